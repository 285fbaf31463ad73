import type { IVolume } from 'kubernetes-models/v1/Volume';

import type { Component } from './components.ts';
import { DATA_FOLDER } from './config-maps.ts';
import type { Environment } from './environment.ts';
import { workspacesPath } from './storage.ts';
import type { Container } from './workload.ts';
import { probes, resources, WORKER_UID } from './workload.ts';

/** The one thing that runner and worker share beside the workspaces. */
const SOCKET_FOLDER = '/run/auto-dev';
export const WORKER_SOCKET_MOUNT = { name: 'worker', mountPath: SOCKET_FOLDER } as const;

/**
 * What a model or a repository says is run here, beside the runner and not in it: another account, other limits, no
 * secret, no settings, of the claim the workspaces alone. A namespace of processes and a file system of its own come
 * with every container, so the boundary does not depend on what else the cluster allows.
 */
export function workerContainer(environment: Environment, component: Component): Container {
  const { sandbox, images, components } = environment;
  const socket = `${SOCKET_FOLDER}/worker.sock`;
  return {
    name: 'worker',
    image: components.get(component.name)?.image ?? images.app,
    args: ['worker'],
    env: [
      { name: 'AUTODEV_DATA', value: DATA_FOLDER },
      { name: 'HOME', value: '/tmp' },
    ],
    resources: resources({ cpu: '500m', memory: '1Gi', memoryLimit: '4Gi', disk: '4Gi' }),
    ...probes({
      live: { exec: { command: ['node', '-e', connectTo(socket)] } },
      ready: { exec: { command: ['test', '-S', socket] } },
    }),
    securityContext: {
      runAsUser: WORKER_UID,
      runAsGroup: WORKER_UID,
      ...(sandbox.seccompProfile !== undefined && {
        seccompProfile: { type: 'Localhost', localhostProfile: sandbox.seccompProfile },
      }),
    },
    volumeMounts: [
      WORKER_SOCKET_MOUNT,
      {
        name: 'data',
        mountPath: `${DATA_FOLDER}/workspaces`,
        subPath: workspacesPath(environment, component),
      },
    ],
  };
}

export function workerVolumes(): IVolume[] {
  return [{ name: 'worker', emptyDir: { sizeLimit: '16Mi' } }];
}

/** Somebody answers: a socket's file alone outlives who made it. */
function connectTo(socket: string): string {
  return `require('node:net').connect('${socket}').on('connect',()=>process.exit(0)).on('error',()=>process.exit(1))`;
}
