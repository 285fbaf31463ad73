import type { IExternalSecret } from '@kubernetes-models/external-secrets/external-secrets.io/v1/ExternalSecret';
import type { IVolume } from 'kubernetes-models/v1/Volume';

import type { Component, MountedSecret, SecretKey } from './components.ts';
import { COMPONENTS, DATABASE_ROLES, REDIS_USERS } from './components.ts';
import type { Environment } from './environment.ts';
import { services } from './environment.ts';
import type { Manifest } from './manifest.ts';
import { metadata } from './manifest.ts';

/** Where every container finds the files of its secrets; the operator's refresh reaches them while it runs. */
export const SECRETS_FOLDER = '/run/secrets/auto-dev';

/** One Kubernetes secret, as it is made from values of Secrets Manager. */
export interface SecretPlan {
  readonly name: string;
  readonly component: string;
  readonly type?: 'kubernetes.io/dockerconfigjson';
  /** File -> its content, in which `{{ .<file> }}` or another key of `values` stands for a value. */
  readonly files: Readonly<Record<string, string>>;
  readonly values: Readonly<Record<string, SecretKey | RegistryKey>>;
}

interface RegistryKey {
  readonly secret: 'registry';
  readonly key: 'dockerconfigjson';
}

/** Every secret of an environment. The checklist, the manifests and the tests read this one list. */
export function planSecrets(environment: Environment): SecretPlan[] {
  return [
    {
      name: 'registry',
      component: 'secrets',
      type: 'kubernetes.io/dockerconfigjson',
      files: { '.dockerconfigjson': '{{ .dockerconfigjson }}' },
      values: { dockerconfigjson: { secret: 'registry', key: 'dockerconfigjson' } },
    },
    ...storeSecrets(),
    ...jobSecrets(environment),
    ...COMPONENTS.map((component) =>
      componentSecret(environment, {
        name: component.name,
        component: component.tier,
        secrets: secretsOf(environment, component),
      }),
    ),
  ];
}

/** The keys of providers that the environment does not use are not asked for. */
export function secretsOf({ llm }: Environment, { secrets }: Component): readonly MountedSecret[] {
  return secrets.filter(
    ({ setting }) =>
      !(setting === 'OPENAI_API_KEY' && llm.openai === undefined && llm.embeddings === undefined) &&
      !(setting === 'ANTHROPIC_API_KEY' && llm.anthropic === undefined),
  );
}

function componentSecret(
  environment: Environment,
  {
    name,
    component,
    secrets,
  }: { name: string; component: string; secrets: readonly MountedSecret[] },
): SecretPlan {
  return {
    name,
    component,
    values: Object.fromEntries(secrets.map(({ setting, from }) => [setting, from])),
    files: Object.fromEntries(
      secrets.map(({ setting, template }) => [
        setting,
        (template?.(services(environment)) ?? '{{ .value }}').replace('.value', `.${setting}`),
      ]),
    ),
  };
}

function storeSecrets(): SecretPlan[] {
  const passwords = ['superuser', ...DATABASE_ROLES].map((role) => `${role}_password`);
  return [
    {
      name: 'postgres',
      component: 'data',
      files: Object.fromEntries(passwords.map((key) => [key, `{{ .${key} }}`])),
      values: Object.fromEntries(passwords.map((key) => [key, { secret: 'database', key }])),
    },
    {
      name: 'redis',
      component: 'data',
      files: { 'users.acl': redisUsers() },
      values: Object.fromEntries(
        REDIS_USERS.map((user) => [
          `${user}_password`,
          { secret: 'redis', key: `${user}_password` },
        ]),
      ),
    },
    {
      name: 'qdrant',
      component: 'data',
      files: { 'qdrant.yaml': 'service:\n  api_key: {{ .api_key | toJson }}\n' },
      values: { api_key: { secret: 'qdrant', key: 'api_key' } },
    },
  ];
}

/** Who has not signed in may ask whether Redis lives; the others have our channels, and no keys. */
function redisUsers(): string {
  return [
    'user default on nopass resetkeys resetchannels -@all +ping',
    ...REDIS_USERS.map(
      (user) =>
        `user ${user} on >{{ .${user}_password }} resetkeys &autodev:* -@all +ping +publish +subscribe +unsubscribe`,
    ),
    '',
  ].join('\n');
}

function jobSecrets(environment: Environment): SecretPlan[] {
  const { postgres } = services(environment);
  return [
    {
      name: 'migrate',
      component: 'control',
      values: { DATABASE_URL: { secret: 'database', key: 'migrate_password' } },
      files: {
        DATABASE_URL: `postgres://migrate:{{ .DATABASE_URL | urlquery }}@${postgres}:5432/autodev`,
      },
    },
    {
      // A service file keeps the password out of the command line, which every process of the node sees.
      name: 'backup-postgres',
      component: 'backup',
      values: { password: { secret: 'database', key: 'backup_password' } },
      files: {
        'pg_service.conf': [
          '[autodev]',
          `host=${postgres}`,
          'port=5432',
          'dbname=autodev',
          'user=backup',
          'password={{ .password }}',
          '',
        ].join('\n'),
      },
    },
    {
      name: 'backup-qdrant',
      component: 'backup',
      values: { api_key: { secret: 'qdrant', key: 'api_key' } },
      files: { api_key: '{{ .api_key }}' },
    },
    ...(environment.scaling.keda
      ? [
          {
            name: 'scaler',
            component: 'scaling',
            values: { password: { secret: 'database', key: 'scheduler_password' } },
            files: { password: '{{ .password }}' },
          } as const,
        ]
      : []),
  ];
}

/** The account that reads Secrets Manager (no pod runs as it), the store, and one secret per component. */
export function secretManifests(environment: Environment): Manifest[] {
  const { aws } = environment;
  return [
    {
      apiVersion: 'v1',
      kind: 'ServiceAccount',
      metadata: {
        ...metadata('secret-reader', 'secrets'),
        annotations: { 'eks.amazonaws.com/role-arn': aws.secretsRole },
      },
      automountServiceAccountToken: false,
    },
    {
      apiVersion: 'external-secrets.io/v1',
      kind: 'SecretStore',
      metadata: metadata('aws', 'secrets'),
      spec: {
        provider: {
          aws: {
            service: 'SecretsManager',
            region: aws.region,
            auth: { jwt: { serviceAccountRef: { name: 'secret-reader' } } },
          },
        },
      },
    },
    ...planSecrets(environment).map((plan) => externalSecret(environment, plan)),
  ];
}

function externalSecret(
  { aws }: Environment,
  { name, component, type, files, values }: SecretPlan,
): IExternalSecret {
  return {
    apiVersion: 'external-secrets.io/v1',
    kind: 'ExternalSecret',
    metadata: metadata(name, component),
    spec: {
      refreshInterval: '15m0s',
      secretStoreRef: { name: 'aws', kind: 'SecretStore' },
      target: {
        name,
        creationPolicy: 'Owner',
        template: { engineVersion: 'v2', ...(type && { type }), data: { ...files } },
      },
      data: Object.entries(values).map(([secretKey, { secret, key }]) => ({
        secretKey,
        remoteRef: { key: `${aws.secretsPrefix}/${secret}`, property: key },
      })),
    },
  };
}

/** A secret as a volume, readable by the pod's group; a worker's container does not mount it. */
export function secretVolume(secretName: string): IVolume {
  return { name: 'secrets', secret: { secretName, defaultMode: 0o440 } };
}

export const SECRETS_MOUNT = {
  name: 'secrets',
  mountPath: SECRETS_FOLDER,
  readOnly: true,
} as const;
