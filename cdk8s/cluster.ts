import type { Environment } from './environment.ts';
import type { Manifest } from './manifest.ts';
import { labels } from './manifest.ts';
import type { Priority } from './workload.ts';

/** Higher stays, lower makes room: data before decisions before work that can be done again. */
const PRIORITIES: Readonly<Record<Priority, { value: number; description: string }>> = {
  'auto-dev-data': { value: 100_000, description: 'Stores: everything else waits for them.' },
  'auto-dev-control': { value: 50_000, description: 'What decides, answers and backs up.' },
  'auto-dev-agent': { value: 10_000, description: 'Agents: what they do can be done again.' },
};

/**
 * What belongs to the whole cluster and so, on a shared one, to the platform team: off unless the environment says
 * `platform.cluster_objects: true`.
 */
export function clusterManifests({ namespace, storage }: Environment): Manifest[] {
  return [
    {
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: {
        name: namespace,
        labels: {
          ...labels(namespace, 'cluster'),
          'pod-security.kubernetes.io/enforce': 'restricted',
          'pod-security.kubernetes.io/enforce-version': 'latest',
        },
      },
    },
    ...Object.entries(PRIORITIES).map(([name, { value, description }]): Manifest => ({
      apiVersion: 'scheduling.k8s.io/v1',
      kind: 'PriorityClass',
      metadata: { name, labels: labels(name, 'cluster') },
      value,
      description,
      globalDefault: false,
      preemptionPolicy: 'PreemptLowerPriority',
    })),
    {
      apiVersion: 'storage.k8s.io/v1',
      kind: 'StorageClass',
      metadata: { name: storage.class, labels: labels(storage.class, 'cluster') },
      provisioner: 'ebs.csi.aws.com',
      parameters: { type: 'gp3', encrypted: 'true' },
      reclaimPolicy: 'Retain',
      allowVolumeExpansion: true,
      // Only when a pod wants it is its zone known.
      volumeBindingMode: 'WaitForFirstConsumer',
    },
  ];
}
