import type { IPersistentVolumeClaim } from 'kubernetes-models/v1/PersistentVolumeClaim';
import type { IVolume } from 'kubernetes-models/v1/Volume';
import type { IVolumeMount } from 'kubernetes-models/v1/VolumeMount';

import type { Component } from './components.ts';
import { DATA_FOLDER } from './config-maps.ts';
import type { Environment } from './environment.ts';
import { metadata } from './manifest.ts';

/** For SQLite where the data directory is shared: its write-ahead log needs a file system of this machine. */
const LOCAL_FOLDER = '/auto-dev/local';
const SHARED_CLAIM = 'auto-dev-data';

export interface DataVolume {
  readonly claims: readonly IPersistentVolumeClaim[];
  readonly volumes: readonly IVolume[];
  readonly mounts: readonly IVolumeMount[];
}

/** The data directory of a component: its own claim, its part of the shared one, or a folder that goes with the pod. */
export function volumeOfData(environment: Environment, component: Component): DataVolume {
  const { storage } = environment;
  const { name, tier, claim, replicas } = component;
  if (claim === undefined) {
    return {
      claims: [],
      volumes: [{ name: 'data', emptyDir: { sizeLimit: '512Mi' } }],
      mounts: [{ name: 'data', mountPath: DATA_FOLDER }],
    };
  }
  if (replicas > 1) {
    // env-file.ts has refused it with its line; nobody else may get here.
    throw new TypeError(`${name} has a claim of its own and cannot have ${replicas} replicas`);
  }

  const own = (size: string): IPersistentVolumeClaim => ({
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    metadata: metadata(`${name}-data`, tier),
    spec: {
      accessModes: ['ReadWriteOnce'],
      storageClassName: storage.class,
      resources: { requests: { storage: size } },
    },
  });
  const ownVolume = { persistentVolumeClaim: { claimName: `${name}-data` } };
  return storage.shared === undefined
    ? {
        claims: [own(claim)],
        volumes: [{ name: 'data', ...ownVolume }],
        mounts: [{ name: 'data', mountPath: DATA_FOLDER, subPath: 'data' }],
      }
    : {
        claims: [own('5Gi')],
        volumes: [
          { name: 'data', persistentVolumeClaim: { claimName: SHARED_CLAIM } },
          { name: 'local', ...ownVolume },
        ],
        mounts: [
          { name: 'data', mountPath: DATA_FOLDER, subPath: name },
          { name: 'local', mountPath: LOCAL_FOLDER, subPath: 'local' },
        ],
      };
}

/** Where the workspaces of an agent lie on its claim: all of the claim that a worker sees. */
export function workspacesPath(environment: Environment, { name }: Component): string {
  return `${environment.storage.shared === undefined ? 'data' : name}/workspaces`;
}

export function sharedClaims({ storage }: Environment): IPersistentVolumeClaim[] {
  return storage.shared === undefined
    ? []
    : [
        {
          apiVersion: 'v1',
          kind: 'PersistentVolumeClaim',
          metadata: metadata(SHARED_CLAIM, 'storage'),
          spec: {
            accessModes: ['ReadWriteMany'],
            storageClassName: storage.shared.class,
            resources: { requests: { storage: storage.shared.size } },
          },
        },
      ];
}
