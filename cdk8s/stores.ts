import type { IContainer } from 'kubernetes-models/v1/Container';
import type { IVolume } from 'kubernetes-models/v1/Volume';

import type { Store } from './components.ts';
import { STORE_SPECS, STORES } from './components.ts';
import type { ConfigMaps } from './config-maps.ts';
import { nameOf } from './config-maps.ts';
import type { Environment } from './environment.ts';
import type { Manifest } from './manifest.ts';
import { account, disruptionBudget, metadata, selector } from './manifest.ts';
import { SCRIPTS_FOLDER } from './scripts.ts';
import { SECRETS_FOLDER, SECRETS_MOUNT, secretVolume } from './secrets.ts';
import { httpProbes, podTemplate, probes, resources } from './workload.ts';

/**
 * PostgreSQL, Redis and Qdrant: one pod each, as what they hold is on a claim of one zone. There is no second copy to
 * fail over to; a new node takes the claim, and a backup is what there is against its loss.
 */
export function storeManifests(environment: Environment, maps: ConfigMaps): Manifest[] {
  return STORES.flatMap((store) => storeOf(environment, maps, store));
}

function storeOf(environment: Environment, maps: ConfigMaps, store: Store): Manifest[] {
  const { port, uid, mount } = STORE_SPECS[store];
  const { container, volumes } = CONTAINERS[store](maps);
  const meta = metadata(store, 'data');
  return [
    account(store, 'data'),
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: meta,
      spec: {
        clusterIP: 'None',
        selector: selector(store),
        ports: [{ name: 'main', port, targetPort: 'main' }],
      },
    },
    disruptionBudget(store, 'data'),
    {
      apiVersion: 'apps/v1',
      kind: 'StatefulSet',
      metadata: meta,
      spec: {
        serviceName: store,
        replicas: 1,
        selector: { matchLabels: selector(store) },
        persistentVolumeClaimRetentionPolicy: { whenDeleted: 'Retain', whenScaled: 'Retain' },
        template: podTemplate({
          name: store,
          component: 'data',
          uid,
          priority: 'auto-dev-data',
          graceSeconds: 120,
          containers: [
            {
              name: store,
              image: environment.images[store],
              ports: [{ name: 'main', containerPort: port }],
              resources: resources({ ...STORE_SPECS[store], disk: '1Gi' }),
              ...container,
              volumeMounts: [
                // The top of a claim holds lost+found, which initdb refuses.
                { name: 'data', mountPath: mount, subPath: 'data' },
                SECRETS_MOUNT,
                ...(container.volumeMounts ?? []),
              ],
            },
          ],
          volumes: [secretVolume(store), ...volumes],
        }),
        volumeClaimTemplates: [
          {
            apiVersion: 'v1',
            kind: 'PersistentVolumeClaim',
            metadata: { name: 'data' },
            spec: {
              accessModes: ['ReadWriteOnce'],
              storageClassName: environment.storage.class,
              resources: { requests: { storage: environment.storage[store] } },
            },
          },
        ],
      },
    },
  ];
}

interface StoreParts {
  readonly container: Partial<IContainer>;
  readonly volumes: readonly IVolume[];
}

const CONTAINERS: Readonly<Record<Store, (maps: ConfigMaps) => StoreParts>> = {
  postgres: ({ scripts }) => ({
    container: {
      args: [
        'postgres',
        ...Object.entries(POSTGRES).flatMap(([name, value]) => ['-c', `${name}=${value}`]),
      ],
      env: [{ name: 'POSTGRES_PASSWORD_FILE', value: `${SECRETS_FOLDER}/superuser_password` }],
      ...probes({
        live: { exec: { command: ['pg_isready', '--quiet', '--timeout=3'] } },
        // Ready is who lets people in: the roles are there, and a query comes back.
        ready: {
          exec: {
            command: [
              'psql',
              '--no-psqlrc',
              '--quiet',
              '--username=postgres',
              '--dbname=autodev',
              '--command=select 1',
            ],
          },
        },
      }),
      volumeMounts: [
        { name: 'socket', mountPath: '/var/run/postgresql' },
        { name: 'shared-memory', mountPath: '/dev/shm' },
        { name: 'scripts', mountPath: SCRIPTS_FOLDER, readOnly: true },
        {
          name: 'scripts',
          mountPath: '/docker-entrypoint-initdb.d/postgres-roles.sh',
          subPath: 'postgres-roles.sh',
          readOnly: true,
        },
      ],
    },
    volumes: [
      { name: 'socket', emptyDir: { sizeLimit: '16Mi' } },
      // The runtime gives 64 MB, which parallel queries exceed.
      { name: 'shared-memory', emptyDir: { medium: 'Memory', sizeLimit: '256Mi' } },
      { name: 'scripts', configMap: { name: nameOf(scripts) } },
    ],
  }),

  redis: () => ({
    container: {
      args: [
        'redis-server',
        ...Object.entries(REDIS).flatMap(([name, value]) => [`--${name}`, value]),
      ],
      ...probes({
        live: { exec: { command: ['redis-cli', 'ping'] } },
        ready: { exec: { command: ['sh', '-c', 'redis-cli ping | grep -qx PONG'] } },
      }),
    },
    volumes: [],
  }),

  qdrant: () => ({
    container: {
      command: ['./qdrant'],
      args: ['--config-path', `${SECRETS_FOLDER}/qdrant.yaml`],
      env: Object.entries(QDRANT).map(([name, value]) => ({ name, value })),
      ...httpProbes('main', '/livez', '/readyz'),
      volumeMounts: [{ name: 'data', mountPath: '/qdrant/snapshots', subPath: 'snapshots' }],
    },
    volumes: [],
  }),
};

/** For 2 GiB of memory and a queue: many small writes, short transactions, dead rows by the thousand. */
const POSTGRES: Readonly<Record<string, string>> = {
  shared_buffers: '512MB',
  effective_cache_size: '1536MB',
  work_mem: '8MB',
  maintenance_work_mem: '128MB',
  max_connections: '200',
  random_page_cost: '1.1',
  wal_compression: 'on',
  max_wal_size: '4GB',
  checkpoint_timeout: '15min',
  autovacuum_naptime: '15s',
  autovacuum_vacuum_cost_limit: '1000',
  idle_in_transaction_session_timeout: '60s',
  log_min_duration_statement: '1s',
  log_lock_waits: 'on',
};

/** Control messages are ids of rows: little memory, and nothing may be evicted without a word. */
const REDIS: Readonly<Record<string, string>> = {
  aclfile: `${SECRETS_FOLDER}/users.acl`,
  // Who may do what is the ACL's to say; the network policy says who comes so far.
  'protected-mode': 'no',
  appendonly: 'yes',
  maxmemory: '384mb',
  'maxmemory-policy': 'noeviction',
  'tcp-keepalive': '60',
};

const QDRANT: Readonly<Record<string, string>> = {
  QDRANT__STORAGE__STORAGE_PATH: '/qdrant/storage',
  QDRANT__STORAGE__SNAPSHOTS_PATH: '/qdrant/snapshots',
  QDRANT__STORAGE__ON_DISK_PAYLOAD: 'true',
  QDRANT__TELEMETRY_DISABLED: 'true',
  // It marks the end of its start with a file, by default in a folder that cannot be written.
  QDRANT_INIT_FILE_PATH: '/tmp/.qdrant-initialized',
};
