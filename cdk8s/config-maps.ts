import { createHash } from 'node:crypto';

import type { IConfigMap } from 'kubernetes-models/v1/ConfigMap';

import { PORTS } from './components.ts';
import type { Environment } from './environment.ts';
import type { Manifest } from './manifest.ts';
import { metadata } from './manifest.ts';
import { SCRIPTS } from './scripts.ts';

export const DATA_FOLDER = '/auto-dev/data';
export const POLICY_FOLDER = '/etc/auto-dev';

/**
 * Content that pods read, named by its hash: a changed one is a new object, which restarts the pods that name it,
 * and a rollback finds the old one.
 */
export interface ConfigMaps {
  readonly settings: IConfigMap;
  readonly policy: IConfigMap;
  readonly scripts: IConfigMap;
}

export function configMaps(environment: Environment): ConfigMaps {
  return {
    settings: hashed('settings', settingsOf(environment)),
    policy: hashed('policy', { 'policy.yaml': environment.policy }),
    scripts: hashed('scripts', { ...SCRIPTS, 'ops.asc': environment.backup.publicKey }),
  };
}

export function configManifests({ settings, policy, scripts }: ConfigMaps): Manifest[] {
  return [settings, policy, scripts];
}

export function nameOf({ metadata: given }: IConfigMap): string {
  return given?.name ?? '';
}

/** What every process of ours is told; what single ones need stands in their own container. */
function settingsOf({ logLevel }: Environment): Record<string, string> {
  return {
    AUTODEV_DATA: DATA_FOLDER,
    AUTODEV_HOST: '0.0.0.0',
    AUTODEV_PORT: String(PORTS.http),
    AUTODEV_METRICS_PORT: String(PORTS.metrics),
    AUTODEV_POLICY: `${POLICY_FOLDER}/policy.yaml`,
    AUTODEV_SANDBOX: 'strict',
    LOG_LEVEL: logLevel,
    NODE_ENV: 'production',
    HOME: '/tmp',
  };
}

function hashed(name: string, data: Record<string, string>): IConfigMap {
  const hash = createHash('sha256').update(JSON.stringify(data)).digest('hex').slice(0, 10);
  return {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: metadata(`${name}-${hash}`, 'config'),
    immutable: true,
    data,
  };
}
