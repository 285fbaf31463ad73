import type { ICiliumNetworkPolicy } from '@kubernetes-models/cilium/cilium.io/v2/CiliumNetworkPolicy';
import type { IExternalSecret } from '@kubernetes-models/external-secrets/external-secrets.io/v1/ExternalSecret';
import type { ISecretStore } from '@kubernetes-models/external-secrets/external-secrets.io/v1/SecretStore';
import type { IScaledObject } from '@kubernetes-models/keda/keda.sh/v1alpha1/ScaledObject';
import type { ITriggerAuthentication } from '@kubernetes-models/keda/keda.sh/v1alpha1/TriggerAuthentication';
import type { IPodMonitor } from '@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1/PodMonitor';
import type { IPrometheusRule } from '@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1/PrometheusRule';
import type { Chart } from 'cdk8s';
import { ApiObject } from 'cdk8s';
import type { IDeployment } from 'kubernetes-models/apps/v1/Deployment';
import type { IStatefulSet } from 'kubernetes-models/apps/v1/StatefulSet';
import type { ICronJob } from 'kubernetes-models/batch/v1/CronJob';
import type { IJob } from 'kubernetes-models/batch/v1/Job';
import type { IIngress } from 'kubernetes-models/networking.k8s.io/v1/Ingress';
import type { IPodDisruptionBudget } from 'kubernetes-models/policy/v1/PodDisruptionBudget';
import type { IPriorityClass } from 'kubernetes-models/scheduling.k8s.io/v1/PriorityClass';
import type { IStorageClass } from 'kubernetes-models/storage.k8s.io/v1/StorageClass';
import type { IConfigMap } from 'kubernetes-models/v1/ConfigMap';
import type { INamespace } from 'kubernetes-models/v1/Namespace';
import type { IPersistentVolumeClaim } from 'kubernetes-models/v1/PersistentVolumeClaim';
import type { IService } from 'kubernetes-models/v1/Service';
import type { IServiceAccount } from 'kubernetes-models/v1/ServiceAccount';

/** Every kind of object that we write. The types are erased: at run time only cdk8s is loaded. */
export type Manifest =
  | ICiliumNetworkPolicy
  | IConfigMap
  | ICronJob
  | IDeployment
  | IExternalSecret
  | IIngress
  | IJob
  | INamespace
  | IPersistentVolumeClaim
  | IPodDisruptionBudget
  | IPodMonitor
  | IPriorityClass
  | IPrometheusRule
  | IScaledObject
  | ISecretStore
  | IService
  | IServiceAccount
  | IStatefulSet
  | IStorageClass
  | ITriggerAuthentication;

/** Adds objects by their own names: nothing gets a hash that nobody asked for. */
export function addAll(chart: Chart, manifests: readonly Manifest[]): ApiObject[] {
  return manifests.map((manifest) => {
    const { apiVersion, kind, metadata: own, ...rest } = manifest;
    if (own?.name === undefined) {
      throw new TypeError(`a ${kind} has no name`);
    }
    // cdk8s takes any object; this one has been checked against the type of its kind.
    return new ApiObject(chart, `${kind}-${own.name}`, {
      apiVersion,
      kind,
      metadata: { ...own },
      ...rest,
    });
  });
}

/** The labels that Kubernetes recommends; `name` and `part-of` select. */
export function labels(name: string, component: string): Record<string, string> {
  return {
    ...selector(name),
    'app.kubernetes.io/component': component,
    'app.kubernetes.io/managed-by': 'cdk8s',
  };
}

export function selector(name: string): Record<string, string> {
  return { 'app.kubernetes.io/name': name, 'app.kubernetes.io/part-of': 'auto-dev' };
}

export function metadata(
  name: string,
  component: string,
): { name: string; labels: Record<string, string> } {
  return { name, labels: labels(name, component) };
}

/** One pod at a time may be moved; none at all would keep every node from being drained. */
export function disruptionBudget(name: string, component: string): IPodDisruptionBudget {
  return {
    apiVersion: 'policy/v1',
    kind: 'PodDisruptionBudget',
    metadata: metadata(name, component),
    spec: {
      maxUnavailable: 1,
      unhealthyPodEvictionPolicy: 'AlwaysAllow',
      selector: { matchLabels: selector(name) },
    },
  };
}

/** Every pod has an account of its own, and no pod gets a token of the cluster. */
export function account(name: string, component: string): IServiceAccount {
  return {
    apiVersion: 'v1',
    kind: 'ServiceAccount',
    metadata: metadata(name, component),
    automountServiceAccountToken: false,
  };
}
