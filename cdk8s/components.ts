import type { Agent } from '../src/domain/agent.ts';
import { AGENTS } from '../src/domain/agent.ts';

export const STORES = ['postgres', 'redis', 'qdrant'] as const;
export type Store = (typeof STORES)[number];

/** Who is reached outside the namespace, always on port 443; `packages` are the hosts of the environment's file. */
export type Outside = 'gitlab' | 'oidc' | 'openai' | 'anthropic' | 'embeddings' | 'packages';

/** One value of Secrets Manager under the environment's prefix: the secret's name and the key in its JSON. */
export interface SecretKey {
  readonly secret: 'database' | 'redis' | 'qdrant' | 'gitlab' | 'llm' | 'oidc';
  readonly key: string;
}

/** A file below /run/secrets/auto-dev, named as the setting that `<NAME>_FILE` stands for. */
export interface MountedSecret {
  readonly setting: string;
  readonly from: SecretKey;
  /** What the file holds, with the value as `{{ .value }}`; left out: the value itself. */
  readonly template?: (services: Services) => string;
}

/** Full names of the stores' services: with `ndots: 1` no search list is asked. */
export type Services = Readonly<Record<Store, string>>;

export type ComponentName =
  | 'dashboard'
  | 'webhook'
  | 'scheduler'
  | 'reconciler'
  | 'orchestrator'
  | `agent-${Agent}`;

type Tier = 'web' | 'control' | 'agent';

export interface Component {
  readonly name: ComponentName;
  readonly tier: Tier;
  /** Arguments of `autodev`. */
  readonly args: readonly string[];
  /** The path of the ingress that leads here; left out: nothing from outside does. */
  readonly path?: '/' | '/webhook';
  readonly replicas: number;
  readonly stores: readonly Store[];
  readonly secrets: readonly MountedSecret[];
  readonly outside: readonly Outside[];
  /** Size of the claim for /auto-dev/data; left out: the data directory goes away with the pod. */
  readonly claim?: string;
  readonly cpu: string;
  readonly memory: string;
  readonly memoryLimit: string;
  /** From SIGTERM to SIGKILL: an agent stops claiming, then ends or hands back what it does. */
  readonly graceSeconds: number;
}

export const PORTS = { http: 8080, metrics: 9090 } as const;

/** Agents that install what a repository needs; the others read, plan and write. */
const INSTALLS = new Set<Agent>(['builder', 'tester', 'security', 'devops', 'bug-finder']);

const control = {
  tier: 'control',
  replicas: 1,
  cpu: '100m',
  memory: '256Mi',
  memoryLimit: '768Mi',
  graceSeconds: 30,
} as const;

/** Everything of ours that runs all the time. Workloads, secrets, network, monitoring and checks follow from it. */
export const COMPONENTS: readonly Component[] = [
  {
    ...control,
    name: 'dashboard',
    tier: 'web',
    args: ['dashboard'],
    path: '/',
    stores: ['postgres', 'redis'],
    secrets: [
      database('dashboard'),
      redis('dashboard'),
      gitlab('read_token'),
      secret('OIDC_CLIENT_SECRET', 'oidc', 'client_secret'),
    ],
    outside: ['gitlab', 'oidc'],
  },
  {
    // Outsiders speak to it, so it has the least: what it commits, the others find by themselves.
    ...control,
    name: 'webhook',
    tier: 'web',
    args: ['webhook'],
    path: '/webhook',
    stores: ['postgres'],
    secrets: [database('webhook'), secret('GITLAB_WEBHOOK_SECRET', 'gitlab', 'webhook_secret')],
    outside: [],
  },
  {
    ...control,
    name: 'scheduler',
    args: ['scheduler'],
    stores: ['postgres'],
    secrets: [database('scheduler')],
    outside: [],
  },
  {
    ...control,
    name: 'reconciler',
    args: ['reconciler'],
    stores: ['postgres', 'redis'],
    secrets: [database('reconciler'), redis('reconciler'), gitlab('read_token')],
    outside: ['gitlab'],
    claim: '5Gi',
  },
  {
    // The only holder of the token that writes to GitLab.
    ...control,
    name: 'orchestrator',
    args: ['orchestrator'],
    stores: ['postgres', 'redis'],
    secrets: [database('orchestrator'), redis('orchestrator'), gitlab('write_token')],
    outside: ['gitlab'],
    claim: '20Gi',
    graceSeconds: 60,
  },
  ...AGENTS.map(agent),
];

function agent(name: Agent): Component {
  return {
    name: `agent-${name}`,
    tier: 'agent',
    args: ['runner', '--agent', name],
    replicas: 1,
    stores: ['postgres', 'redis', 'qdrant'],
    secrets: [
      database('runner'),
      redis('runner'),
      secret('QDRANT_API_KEY', 'qdrant', 'api_key'),
      gitlab('read_token'),
      secret('OPENAI_API_KEY', 'llm', 'openai_api_key'),
      secret('ANTHROPIC_API_KEY', 'llm', 'anthropic_api_key'),
    ],
    outside: [
      'gitlab',
      'openai',
      'anthropic',
      'embeddings',
      ...(INSTALLS.has(name) ? ['packages' as const] : []),
    ],
    claim: name === 'builder' ? '50Gi' : '20Gi',
    cpu: '250m',
    memory: '512Mi',
    memoryLimit: '1Gi',
    graceSeconds: 300,
  };
}

/** Where it matters who a component is to PostgreSQL: each has a role of its own, runners share one. */
function database(role: string): MountedSecret {
  return {
    setting: 'DATABASE_URL',
    from: { secret: 'database', key: `${role}_password` },
    template: ({ postgres }) =>
      `postgres://${role}:{{ .value | urlquery }}@${postgres}:5432/autodev`,
  };
}

function redis(user: string): MountedSecret {
  return {
    setting: 'REDIS_URL',
    from: { secret: 'redis', key: `${user}_password` },
    template: (services) => `redis://${user}:{{ .value | urlquery }}@${services.redis}:6379`,
  };
}

function gitlab(key: 'read_token' | 'write_token'): MountedSecret {
  return secret('GITLAB_TOKEN', 'gitlab', key);
}

function secret(setting: string, name: SecretKey['secret'], key: string): MountedSecret {
  return { setting, from: { secret: name, key } };
}

/** Roles of PostgreSQL that log in, with what each is for; `autodev` owns the schema and nobody logs in as it. */
export const DATABASE_ROLES = [
  'migrate',
  'dashboard',
  'webhook',
  'scheduler',
  'reconciler',
  'orchestrator',
  'runner',
  'backup',
] as const;

/** Users of Redis. */
export const REDIS_USERS = [
  ...new Set(
    COMPONENTS.flatMap(({ secrets }) =>
      secrets
        .filter(({ setting }) => setting === 'REDIS_URL')
        .map(({ from }) => from.key.replace(/_password$/, '')),
    ),
  ),
];

export interface StoreSpec {
  readonly port: number;
  /** The account of the image. */
  readonly uid: number;
  /** Where it keeps its data: a folder of the claim, as the claim's root holds lost+found. */
  readonly mount: string;
  readonly cpu: string;
  readonly memory: string;
}

export const STORE_SPECS: Readonly<Record<Store, StoreSpec>> = {
  postgres: { port: 5432, uid: 999, mount: '/var/lib/postgresql', cpu: '500m', memory: '2Gi' },
  redis: { port: 6379, uid: 999, mount: '/data', cpu: '100m', memory: '512Mi' },
  qdrant: { port: 6333, uid: 1000, mount: '/qdrant/storage', cpu: '250m', memory: '2Gi' },
};
