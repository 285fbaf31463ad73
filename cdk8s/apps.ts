import type { IDeployment } from 'kubernetes-models/apps/v1/Deployment';
import type { IEnvVar } from 'kubernetes-models/v1/EnvVar';
import type { IService } from 'kubernetes-models/v1/Service';
import type { IVolumeMount } from 'kubernetes-models/v1/VolumeMount';

import type { Component } from './components.ts';
import { COMPONENTS, PORTS } from './components.ts';
import type { ConfigMaps } from './config-maps.ts';
import { nameOf, POLICY_FOLDER } from './config-maps.ts';
import type { Environment } from './environment.ts';
import { qdrantUrl } from './environment.ts';
import type { Manifest } from './manifest.ts';
import { account, disruptionBudget, metadata, selector } from './manifest.ts';
import { SECRETS_FOLDER, SECRETS_MOUNT, secretsOf, secretVolume } from './secrets.ts';
import type { DataVolume } from './storage.ts';
import { sharedClaims, volumeOfData } from './storage.ts';
import { workerContainer, WORKER_SOCKET_MOUNT, workerVolumes } from './worker.ts';
import type { Container, Priority } from './workload.ts';
import { httpProbes, podTemplate, resources } from './workload.ts';

const PRIORITY: Readonly<Record<Component['tier'], Priority>> = {
  web: 'auto-dev-control',
  control: 'auto-dev-control',
  agent: 'auto-dev-agent',
};

/** Every deployment of ours, with its account, its claim and the service that the ingress leads to. */
export function appManifests(environment: Environment, maps: ConfigMaps): Manifest[] {
  return [
    ...sharedClaims(environment),
    ...COMPONENTS.flatMap((component) => appOf(environment, maps, component)),
  ];
}

/** What the table says of a component, as the environment's file changes it. */
function sized(environment: Environment, component: Component): Component {
  const own = environment.components.get(component.name) ?? {};
  return {
    ...component,
    replicas: own.replicas ?? component.replicas,
    cpu: own.cpu ?? component.cpu,
    memory: own.memory ?? component.memory,
    memoryLimit: own.memory_limit ?? component.memoryLimit,
    ...(component.claim !== undefined && { claim: own.storage ?? component.claim }),
    args:
      component.tier === 'agent'
        ? [...component.args, '--slots', String(own.slots ?? 2)]
        : component.args,
  };
}

function appOf(environment: Environment, maps: ConfigMaps, listed: Component): Manifest[] {
  const component = sized(environment, listed);
  const { name, tier, claim, path } = component;
  const data = volumeOfData(environment, component);
  return [
    account(name, tier),
    ...data.claims,
    ...(path === undefined ? [] : [service(component)]),
    // One pod on a claim is down while it moves, budget or not.
    ...(claim === undefined ? [disruptionBudget(name, tier)] : []),
    deployment(environment, maps, { component, data }),
  ];
}

function service({ name, tier }: Component): IService {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: metadata(name, tier),
    spec: { selector: selector(name), ports: [{ name: 'http', port: 80, targetPort: 'http' }] },
  };
}

function deployment(
  environment: Environment,
  maps: ConfigMaps,
  { component, data }: { component: Component; data: DataVolume },
): IDeployment {
  const { name, tier, replicas, claim } = component;
  const isAgent = tier === 'agent';
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: metadata(name, tier),
    spec: {
      replicas,
      revisionHistoryLimit: 3,
      progressDeadlineSeconds: 600,
      // A claim is of one pod: the new one waits until the old one has let go of it.
      strategy:
        claim === undefined
          ? { type: 'RollingUpdate', rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } }
          : { type: 'Recreate' },
      selector: { matchLabels: selector(name) },
      template: podTemplate({
        name,
        component: tier,
        priority: PRIORITY[tier],
        graceSeconds: component.graceSeconds,
        spread: claim === undefined,
        ...(isAgent && { runtimeClass: environment.sandbox.runtimeClass }),
        containers: [
          mainContainer(environment, maps, { component, data: data.mounts }),
          ...(isAgent ? [workerContainer(environment, component)] : []),
        ],
        volumes: [
          secretVolume(name),
          { name: 'policy', configMap: { name: nameOf(maps.policy) } },
          ...data.volumes,
          ...(isAgent ? workerVolumes() : []),
        ],
      }),
    },
  };
}

function mainContainer(
  environment: Environment,
  maps: ConfigMaps,
  { component, data }: { component: Component; data: readonly IVolumeMount[] },
): Container {
  const { name, tier, args, path } = component;
  return {
    name: tier === 'agent' ? 'runner' : name,
    image: environment.components.get(name)?.image ?? environment.images.app,
    args: [...args],
    ports: [
      ...(path === undefined ? [] : [{ name: 'http', containerPort: PORTS.http }]),
      { name: 'metrics', containerPort: PORTS.metrics },
    ],
    envFrom: [{ configMapRef: { name: nameOf(maps.settings) } }],
    env: [...ownSettings(environment, component), ...secretSettings(environment, component)],
    resources: resources({ ...component, disk: '1Gi' }),
    ...httpProbes('metrics', '/healthz', '/readyz'),
    volumeMounts: [
      SECRETS_MOUNT,
      { name: 'policy', mountPath: POLICY_FOLDER, readOnly: true },
      ...data,
      ...(tier === 'agent' ? [WORKER_SOCKET_MOUNT] : []),
    ],
  };
}

/** What only some processes need to know. */
function ownSettings(environment: Environment, { name, tier, secrets }: Component): IEnvVar[] {
  const { host, oidc, llm, gitlab } = environment;
  const values: Record<string, string | undefined> = {
    // Who has no token for it never talks to it, and is not told where it is.
    ...(secrets.some(({ setting }) => setting === 'GITLAB_TOKEN') && { GITLAB_URL: gitlab.url }),
    ...(name === 'dashboard' && {
      OIDC_ISSUER: oidc.issuer,
      OIDC_CLIENT_ID: oidc.clientId,
      OIDC_REDIRECT_URL: redirectUrl({ host }),
    }),
    ...(tier === 'agent' && {
      QDRANT_URL: qdrantUrl(environment),
      OPENAI_BASE_URL: llm.openai,
      ANTHROPIC_BASE_URL: llm.anthropic,
      EMBEDDINGS_URL: llm.embeddings,
    }),
  };
  return Object.entries(values).flatMap(([key, value]) =>
    value === undefined ? [] : [{ name: key, value }],
  );
}

/** Where people come back to from signing in; the application in GitLab must name it. */
export function redirectUrl({ host }: Pick<Environment, 'host'>): string {
  return `https://${host}/auth/callback`;
}

/** Each secret by the file that it is mounted as: no value stands in a manifest, an environment or a `/proc` entry. */
function secretSettings(environment: Environment, component: Component): IEnvVar[] {
  return secretsOf(environment, component).map(({ setting }) => ({
    name: `${setting}_FILE`,
    value: `${SECRETS_FOLDER}/${setting}`,
  }));
}
