import type { IContainer } from 'kubernetes-models/v1/Container';
import type { IPodTemplateSpec } from 'kubernetes-models/v1/PodTemplateSpec';
import type { IProbe } from 'kubernetes-models/v1/Probe';
import type { IResourceRequirements } from 'kubernetes-models/v1/ResourceRequirements';
import type { ISecurityContext } from 'kubernetes-models/v1/SecurityContext';
import type { IVolume } from 'kubernetes-models/v1/Volume';

import { labels, selector } from './manifest.ts';

/** The account of our image; a worker's files and processes belong to the second one. */
export const APP_UID = 10_001;
export const WORKER_UID = 10_002;

export type Priority = 'auto-dev-data' | 'auto-dev-control' | 'auto-dev-agent';

/** A container without what every container of ours has. */
export type Container = Omit<IContainer, 'imagePullPolicy'>;

export interface Pod {
  readonly name: string;
  readonly component: string;
  readonly uid?: number;
  readonly priority: Priority;
  readonly graceSeconds?: number;
  readonly containers: readonly [Container, ...Container[]];
  readonly init?: readonly Container[];
  readonly volumes?: readonly IVolume[];
  /** Over zones and nodes: for what has no claim, as a claim holds its pod in one zone. */
  readonly spread?: boolean;
  readonly restartPolicy?: 'Never';
  readonly runtimeClass?: string | undefined;
}

/**
 * The one shape of every pod: what Pod Security calls restricted, and no token of the cluster, no variables of
 * other services, a root file system that cannot be written.
 */
export function podTemplate(pod: Pod): IPodTemplateSpec {
  const { name, component, uid = APP_UID, priority, containers, init, volumes = [] } = pod;
  return {
    metadata: { labels: labels(name, component) },
    spec: {
      serviceAccountName: name,
      automountServiceAccountToken: false,
      enableServiceLinks: false,
      priorityClassName: priority,
      terminationGracePeriodSeconds: pod.graceSeconds ?? 30,
      ...(pod.restartPolicy && { restartPolicy: pod.restartPolicy }),
      ...(pod.runtimeClass !== undefined && { runtimeClassName: pod.runtimeClass }),
      securityContext: {
        runAsNonRoot: true,
        runAsUser: uid,
        runAsGroup: uid,
        fsGroup: uid,
        // Without it every start walks the whole claim.
        fsGroupChangePolicy: 'OnRootMismatch',
        seccompProfile: { type: 'RuntimeDefault' },
      },
      imagePullSecrets: [{ name: 'registry' }],
      // Names are full: a search list would ask for names that the DNS rules refuse.
      dnsConfig: { options: [{ name: 'ndots', value: '1' }] },
      ...(pod.spread === true && { topologySpreadConstraints: spreadOver(name) }),
      ...(init && { initContainers: init.map(hardened) }),
      containers: containers.map(hardened),
      volumes: [...(init ?? []), ...containers].map(temporaryFolder).concat(volumes),
    },
  };
}

/** Each container has a `/tmp` of its own, which no other of the pod sees; every other place to write is named. */
function hardened(container: Container): IContainer {
  return {
    ...container,
    // The image is named by digest: it cannot have changed.
    imagePullPolicy: 'IfNotPresent',
    securityContext: { ...SECURITY, ...container.securityContext },
    volumeMounts: [
      { name: `tmp-${container.name}`, mountPath: '/tmp' },
      ...(container.volumeMounts ?? []),
    ],
  };
}

function temporaryFolder({ name, resources: size }: Container): IVolume {
  const limit = size?.limits?.['ephemeral-storage'] ?? '256Mi';
  return { name: `tmp-${name}`, emptyDir: { sizeLimit: limit } };
}

const SECURITY: ISecurityContext = {
  allowPrivilegeEscalation: false,
  privileged: false,
  readOnlyRootFilesystem: true,
  runAsNonRoot: true,
  capabilities: { drop: ['ALL'] },
};

function spreadOver(name: string) {
  return ['topology.kubernetes.io/zone', 'kubernetes.io/hostname'].map((topologyKey) => ({
    maxSkew: 1,
    topologyKey,
    whenUnsatisfiable: 'ScheduleAnyway' as const,
    labelSelector: { matchLabels: selector(name) },
  }));
}

/**
 * Memory has a limit, CPU has none: a limit of CPU throttles where there is room, a reservation protects enough.
 */
export function resources({
  cpu,
  memory,
  memoryLimit = memory,
  disk = '256Mi',
}: {
  cpu: string;
  memory: string;
  memoryLimit?: string;
  disk?: string;
}): IResourceRequirements {
  return {
    requests: { cpu, memory, 'ephemeral-storage': disk },
    limits: { memory: memoryLimit, 'ephemeral-storage': disk },
  };
}

type Check = Pick<IProbe, 'exec' | 'httpGet'>;

/**
 * Three probes that differ: a start may take two minutes, what is not ready gets no work within ten seconds, and
 * only what has hung for a minute and a half is restarted.
 */
export function probes({ live, ready }: { live: Check; ready: Check }): {
  startupProbe: IProbe;
  readinessProbe: IProbe;
  livenessProbe: IProbe;
} {
  return {
    startupProbe: { ...live, periodSeconds: 2, timeoutSeconds: 3, failureThreshold: 60 },
    readinessProbe: { ...ready, periodSeconds: 5, timeoutSeconds: 3, failureThreshold: 2 },
    livenessProbe: { ...live, periodSeconds: 30, timeoutSeconds: 5, failureThreshold: 3 },
  };
}

/** Probes over HTTP name the port, never a host: it is the pod's own. */
export function httpProbes(port: string, live: string, ready: string) {
  return probes({
    live: { httpGet: { path: live, port } },
    ready: { httpGet: { path: ready, port } },
  });
}
