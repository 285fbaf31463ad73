import type { IPodTemplateSpec } from 'kubernetes-models/v1/PodTemplateSpec';
import type { IVolume } from 'kubernetes-models/v1/Volume';

import type { ConfigMaps } from './config-maps.ts';
import { nameOf, POLICY_FOLDER } from './config-maps.ts';
import type { Environment } from './environment.ts';
import { qdrantUrl } from './environment.ts';
import type { Manifest } from './manifest.ts';
import { account, metadata } from './manifest.ts';
import { SCRIPTS_FOLDER } from './scripts.ts';
import { SECRETS_FOLDER, SECRETS_MOUNT, secretVolume } from './secrets.ts';
import { podTemplate, resources } from './workload.ts';

/**
 * Brings the schema up to date before the new deployments start. A job cannot be changed: its name carries the
 * image's digest, so that a new image is a new job and applying the same one again does nothing.
 */
export function migrateManifests(environment: Environment, maps: ConfigMaps): Manifest[] {
  const { app } = environment.images;
  const digest = app.slice(app.indexOf('sha256:') + 'sha256:'.length);
  return [
    account('migrate', 'control'),
    {
      apiVersion: 'batch/v1',
      kind: 'Job',
      metadata: metadata(`migrate-${digest.slice(0, 12)}`, 'control'),
      spec: {
        backoffLimit: 5,
        activeDeadlineSeconds: 900,
        template: podTemplate({
          name: 'migrate',
          component: 'control',
          priority: 'auto-dev-control',
          restartPolicy: 'Never',
          containers: [
            {
              name: 'migrate',
              image: app,
              args: ['migrate'],
              envFrom: [{ configMapRef: { name: nameOf(maps.settings) } }],
              env: [{ name: 'DATABASE_URL_FILE', value: `${SECRETS_FOLDER}/DATABASE_URL` }],
              resources: resources({ cpu: '100m', memory: '256Mi', memoryLimit: '512Mi' }),
              volumeMounts: [
                SECRETS_MOUNT,
                { name: 'data', mountPath: '/auto-dev/data' },
                { name: 'policy', mountPath: POLICY_FOLDER, readOnly: true },
              ],
            },
          ],
          volumes: [
            secretVolume('migrate'),
            { name: 'data', emptyDir: { sizeLimit: '256Mi' } },
            { name: 'policy', configMap: { name: nameOf(maps.policy) } },
          ],
        }),
      },
    },
  ];
}

/** Dumps, encrypted to the ops key, on a claim that nothing else mounts. */
export function backupManifests(environment: Environment, maps: ConfigMaps): Manifest[] {
  const { backup, images, storage } = environment;
  const scripts: IVolume = { name: 'scripts', configMap: { name: nameOf(maps.scripts) } };
  return (['backup-postgres', 'backup-qdrant'] as const).flatMap((name): Manifest[] => [
    account(name, 'backup'),
    {
      apiVersion: 'v1',
      kind: 'PersistentVolumeClaim',
      metadata: metadata(name, 'backup'),
      spec: {
        accessModes: ['ReadWriteOnce'],
        storageClassName: storage.class,
        resources: { requests: { storage: backup.storage } },
      },
    },
    {
      apiVersion: 'batch/v1',
      kind: 'CronJob',
      metadata: metadata(name, 'backup'),
      spec: {
        schedule: backup.schedule,
        timeZone: 'Etc/UTC',
        concurrencyPolicy: 'Forbid',
        startingDeadlineSeconds: 3600,
        successfulJobsHistoryLimit: 1,
        failedJobsHistoryLimit: 3,
        jobTemplate: {
          spec: {
            backoffLimit: 2,
            activeDeadlineSeconds: 4 * 3600,
            ttlSecondsAfterFinished: 3 * 86_400,
            template: backupPod(name),
          },
        },
      },
    },
  ]);

  function backupPod(name: 'backup-postgres' | 'backup-qdrant'): IPodTemplateSpec {
    const size = resources({ cpu: '100m', memory: '256Mi', memoryLimit: '512Mi', disk: '1Gi' });
    const dump = {
      resources: size,
      volumeMounts: [
        SECRETS_MOUNT,
        { name: 'scripts', mountPath: SCRIPTS_FOLDER, readOnly: true },
        { name: 'work', mountPath: '/work' },
      ],
    };
    return podTemplate({
      name,
      component: 'backup',
      priority: 'auto-dev-control',
      restartPolicy: 'Never',
      init: [
        name === 'backup-postgres'
          ? {
              ...dump,
              name: 'dump',
              // pg_dump must not be older than the server.
              image: images.postgres,
              command: ['sh', `${SCRIPTS_FOLDER}/dump-postgres.sh`],
              env: [{ name: 'PGSERVICEFILE', value: `${SECRETS_FOLDER}/pg_service.conf` }],
            }
          : {
              ...dump,
              name: 'snapshot',
              image: images.app,
              command: ['node', `${SCRIPTS_FOLDER}/snapshot-qdrant.mjs`],
              env: [
                { name: 'QDRANT_URL', value: qdrantUrl(environment) },
                { name: 'QDRANT_API_KEY_FILE', value: `${SECRETS_FOLDER}/api_key` },
              ],
            },
      ],
      containers: [
        {
          name: 'encrypt',
          image: images.app,
          command: ['sh', `${SCRIPTS_FOLDER}/encrypt.sh`],
          env: [{ name: 'KEEP', value: String(backup.keep) }],
          resources: size,
          volumeMounts: [
            { name: 'scripts', mountPath: SCRIPTS_FOLDER, readOnly: true },
            { name: 'work', mountPath: '/work' },
            { name: 'backups', mountPath: '/backups' },
          ],
        },
      ],
      volumes: [
        secretVolume(name),
        scripts,
        // As large as the dump can be. It is plain, so its volume goes away with the pod; an emptyDir of that size
        // would need as much of the node's own disk.
        {
          name: 'work',
          ephemeral: {
            volumeClaimTemplate: {
              spec: {
                accessModes: ['ReadWriteOnce'],
                storageClassName: storage.class,
                resources: {
                  requests: {
                    storage: storage[name === 'backup-postgres' ? 'postgres' : 'qdrant'],
                  },
                },
              },
            },
          },
        },
        { name: 'backups', persistentVolumeClaim: { claimName: name } },
      ],
    });
  }
}
