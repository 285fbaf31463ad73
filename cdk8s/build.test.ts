import { expect, test } from 'vitest';

import { AGENTS } from '../src/domain/agent.ts';
import type { KubernetesObject } from './build.ts';
import { buildManifests, manifestText } from './build.ts';
import { environmentOf, objectsOf, WITH_EVERYTHING } from './checks/environment-fixture.ts';

const agents = AGENTS.map((agent) => `agent-${agent}`);
const apps = ['dashboard', 'webhook', 'scheduler', 'reconciler', 'orchestrator', ...agents];
const stores = ['postgres', 'redis', 'qdrant'];
const jobs = ['backup-postgres', 'backup-qdrant', 'migrate'];

/** Every object of production by file, names of config maps without their hash. */
const PROD: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>> = {
  '10-secrets': {
    ServiceAccount: ['secret-reader'],
    SecretStore: ['aws'],
    ExternalSecret: ['registry', ...stores, ...jobs, ...apps],
  },
  '20-config': { ConfigMap: ['settings', 'policy', 'scripts'] },
  '30-network': { CiliumNetworkPolicy: ['default-deny', ...stores, ...jobs, ...apps] },
  '40-data': {
    ServiceAccount: [...stores, 'backup-postgres', 'backup-qdrant'],
    Service: stores,
    PodDisruptionBudget: stores,
    StatefulSet: stores,
    PersistentVolumeClaim: ['backup-postgres', 'backup-qdrant'],
    CronJob: ['backup-postgres', 'backup-qdrant'],
  },
  '50-migrate': { ServiceAccount: ['migrate'], Job: ['migrate'] },
  '60-apps': {
    ServiceAccount: apps,
    Service: ['dashboard', 'webhook'],
    PodDisruptionBudget: ['dashboard', 'webhook', 'scheduler'],
    PersistentVolumeClaim: ['reconciler', 'orchestrator', ...agents].map((name) => `${name}-data`),
    Deployment: apps,
  },
  '70-edge': { Ingress: ['auto-dev'] },
  '80-monitoring': {
    PodMonitor: ['auto-dev'],
    PrometheusRule: ['auto-dev'],
    ConfigMap: ['grafana-auto-dev'],
  },
};
/** An environment on a cluster of its own makes what belongs to the cluster. */
const DEV = {
  '00-cluster': {
    Namespace: ['auto-dev-dev'],
    PriorityClass: ['auto-dev-data', 'auto-dev-control', 'auto-dev-agent'],
    StorageClass: ['gp3'],
  },
  ...PROD,
};

test('production has exactly these objects, in files that sort as they are applied', () => {
  expect(listOf('prod')).toEqual(sorted(PROD));
});

test('development has these, and those of its cluster', () => {
  expect(listOf('dev')).toEqual(sorted(DEV));
});

test('the same environment gives the same bytes', () => {
  const text = (): string[] => {
    const environment = environmentOf('prod', ...WITH_EVERYTHING);
    return buildManifests(environment).map((file) => manifestText(file, environment));
  };

  expect(text()).toEqual(text());
});

test('only what is of the whole cluster has no namespace', () => {
  const objects = objectsOf(environmentOf('dev'));

  const without = objects.filter(({ metadata }) => metadata.namespace === undefined);

  expect(new Set(without.map(({ kind }) => kind))).toEqual(
    new Set(['Namespace', 'PriorityClass', 'StorageClass']),
  );
});

test('a new image is a new migration, changed settings are a new config map', () => {
  const before = named(objectsOf(environmentOf('prod')));
  const image = named(objectsOf(environmentOf('prod', [/app@sha256:0/, 'app@sha256:1'])));
  const settings = named(
    objectsOf(environmentOf('prod', ['policy:', 'log_level: debug\npolicy:'])),
  );

  expect(image.filter((name) => !before.includes(name))).toEqual(['Job/migrate-100000000000']);
  expect(settings.filter((name) => !before.includes(name))).toEqual([
    expect.stringMatching(/^ConfigMap\/settings-[0-9a-f]{10}$/),
  ]);
});

test('with one shared claim each deployment has a part of it, and a claim of its own for what cannot be shared', () => {
  const objects = objectsOf(environmentOf('prod', ...WITH_EVERYTHING));

  const claims = objects.filter(({ kind }) => kind === 'PersistentVolumeClaim');
  const builder = JSON.stringify(
    objects.find(
      ({ kind, metadata }) => kind === 'Deployment' && metadata.name === 'agent-builder',
    ),
  );

  expect(claims.filter((claim) => JSON.stringify(claim).includes('ReadWriteMany'))).toHaveLength(1);
  expect(builder).toContain(
    '{"mountPath":"/auto-dev/data","name":"data","subPath":"agent-builder"}',
  );
  expect(builder).toContain('{"mountPath":"/auto-dev/local","name":"local","subPath":"local"}');
  expect(builder).toContain('"subPath":"agent-builder/workspaces"');
});

function listOf(name: 'dev' | 'prod'): Record<string, Record<string, string[]>> {
  return sorted(
    Object.fromEntries(
      buildManifests(environmentOf(name)).map((file) => [file.name, byKind(file.objects)]),
    ),
  );
}

function byKind(objects: readonly KubernetesObject[]): Record<string, string[]> {
  const kinds = new Set(objects.map(({ kind }) => kind));
  return Object.fromEntries(
    [...kinds].map((kind) => [
      kind,
      objects
        .filter((object) => object.kind === kind)
        .map(({ metadata }) => withoutHash(metadata.name)),
    ]),
  );
}

function withoutHash(name: string): string {
  return name.replace(/-[0-9a-f]{10,12}$/, '');
}

function named(objects: readonly KubernetesObject[]): string[] {
  return objects.map(({ kind, metadata }) => `${kind}/${metadata.name}`);
}

function sorted(
  files: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>>,
): Record<string, Record<string, string[]>> {
  return Object.fromEntries(
    Object.entries(files).map(([file, kinds]) => [
      file,
      Object.fromEntries(Object.entries(kinds).map(([kind, names]) => [kind, [...names].sort()])),
    ]),
  );
}
