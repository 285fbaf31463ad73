import { expect, test } from 'vitest';

import { AGENTS } from '../../src/domain/agent.ts';
import type { KubernetesObject } from '../build.ts';
import { environmentOf, objectsOf, WITH_EVERYTHING } from './environment-fixture.ts';
import type { Endpoint } from './reach.ts';
import { endpointsOf, Reach } from './reach.ts';

const PORTS = [53, 80, 443, 5432, 6333, 6334, 6379, 8080, 9090];
const HOSTS = [
  'gitlab.example.com',
  'api.openai.com',
  'api.anthropic.com',
  'packages.example.com',
  'embeddings.example.com',
  'example.org',
];
const OUTSIDERS: readonly Endpoint[] = [
  {
    name: 'nginx',
    namespace: 'ingress-nginx',
    labels: { 'app.kubernetes.io/name': 'ingress-nginx' },
  },
  {
    name: 'prometheus',
    namespace: 'monitoring',
    labels: { 'app.kubernetes.io/name': 'prometheus' },
  },
  { name: 'dns', namespace: 'kube-system', labels: { 'k8s-app': 'kube-dns' } },
  { name: 'gitlab', namespace: 'gitlab', labels: { app: 'webservice' } },
  { name: 'keda', namespace: 'keda', labels: { 'app.kubernetes.io/name': 'keda-operator' } },
  // A stranger who has given itself our labels.
  {
    name: 'impostor',
    namespace: 'elsewhere',
    labels: { 'app.kubernetes.io/name': 'orchestrator', 'app.kubernetes.io/part-of': 'auto-dev' },
  },
];
const METRICS = [
  'dashboard:9090',
  'webhook:9090',
  'scheduler:9090',
  'reconciler:9090',
  'orchestrator:9090',
  ...AGENTS.map((agent) => `agent-${agent}:9090`),
].sort();

/** Written by hand: who may talk to whom, on which port. Who is not named may talk to nobody. */
const RUNNER = [
  'dns:53',
  'postgres:5432',
  'redis:6379',
  'qdrant:6333',
  'gitlab.example.com:443',
  'api.openai.com:443',
  'api.anthropic.com:443',
];
const MATRIX: Readonly<Record<string, readonly string[]>> = {
  nginx: ['dashboard:8080', 'webhook:8080'],
  prometheus: METRICS,
  dashboard: ['dns:53', 'postgres:5432', 'redis:6379', 'gitlab.example.com:443'],
  webhook: ['dns:53', 'postgres:5432'],
  scheduler: ['dns:53', 'postgres:5432'],
  reconciler: ['dns:53', 'postgres:5432', 'redis:6379', 'gitlab.example.com:443'],
  orchestrator: ['dns:53', 'postgres:5432', 'redis:6379', 'gitlab.example.com:443'],
  migrate: ['dns:53', 'postgres:5432'],
  'backup-postgres': ['dns:53', 'postgres:5432'],
  'backup-qdrant': ['dns:53', 'qdrant:6333'],
  // Runner and worker are one pod, and so one row.
  ...Object.fromEntries(AGENTS.map((agent) => [`agent-${agent}`, RUNNER])),
};

test('what the policies let through is the matrix that was written by hand', () => {
  expect(matrixOf(objectsOf(environmentOf('prod')))).toEqual(sorted(MATRIX));
});

test('what an environment adds opens just that', () => {
  const objects = objectsOf(environmentOf('prod', ...WITH_EVERYTHING));
  const viaPods = (targets: readonly string[]) =>
    targets.map((target) => target.replace('gitlab.example.com', 'gitlab'));
  const runner = [
    ...viaPods(RUNNER).filter((target) => target !== 'api.openai.com:443'),
    'embeddings.example.com:443',
  ];
  const expected = {
    ...Object.fromEntries(Object.entries(MATRIX).map(([from, to]) => [from, viaPods(to)])),
    ...Object.fromEntries(AGENTS.map((agent) => [`agent-${agent}`, runner])),
    'agent-builder': [...runner, 'packages.example.com:443'],
    // Whom people sign in at stays an address outside.
    dashboard: [...viaPods(MATRIX['dashboard'] ?? []), 'gitlab.example.com:443'],
    keda: ['postgres:5432'],
  };

  expect(matrixOf(objects)).toEqual(sorted(expected));
});

test('who may not talk to a host may not ask for its address either', () => {
  const objects = objectsOf(environmentOf('prod'));
  const reach = new Reach(objects);
  const service = (store: string): string => `${store}.auto-dev.svc.cluster.local`;

  const names = Object.fromEntries(
    endpointsOf(objects).map((pod) => [pod.name, reach.resolves(pod).sort()]),
  );

  expect(names['webhook']).toEqual([service('postgres')]);
  expect(names['orchestrator']).toEqual(
    ['gitlab.example.com', service('postgres'), service('redis')].sort(),
  );
  expect(names['postgres']).toEqual([]);
});

test('without the policies everybody reaches everybody, so it is they that the matrix shows', () => {
  const objects = objectsOf(environmentOf('prod')).filter(
    ({ kind }) => kind !== 'CiliumNetworkPolicy',
  );

  const { impostor } = matrixOf(objects);

  expect(impostor).toContain('postgres:5432');
});

/** Every pair, every port: only what goes through is in it. */
function matrixOf(objects: readonly KubernetesObject[]): Record<string, string[]> {
  const reach = new Reach(objects);
  const pods = endpointsOf(objects);
  const matrix = [...pods, ...OUTSIDERS].map((from): [string, string[]] => [
    from.name,
    [
      // What strangers do among themselves is not ours.
      ...[...pods, ...(pods.includes(from) ? OUTSIDERS : [])]
        .filter((to) => to !== from)
        .flatMap((to) =>
          PORTS.filter((port) => reach.pod(from, to, port)).map((port) => `${to.name}:${port}`),
        ),
      ...(pods.includes(from) ? HOSTS : []).flatMap((host) =>
        PORTS.filter((port) => reach.host(from, host, port)).map((port) => `${host}:${port}`),
      ),
    ],
  ]);
  return sorted(Object.fromEntries(matrix.filter(([, to]) => to.length > 0)));
}

function sorted(matrix: Readonly<Record<string, readonly string[]>>): Record<string, string[]> {
  return Object.fromEntries(
    Object.entries(matrix)
      .toSorted(([a], [b]) => a.localeCompare(b, 'en'))
      .map(([from, to]) => [from, [...to].sort()]),
  );
}
