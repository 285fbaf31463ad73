import type { ComponentName, Outside, Services, Store } from './components.ts';
import { COMPONENTS, STORE_SPECS } from './components.ts';
import type { ComponentSettings, KaasSettings } from './kaas.generated.ts';

/** Pods elsewhere in the cluster, by labels. */
export interface Peer {
  readonly namespace: string;
  readonly labels: Readonly<Record<string, string>>;
}

/** An environment with every default filled in. */
export interface Environment {
  /** Of the file: `prod`. */
  readonly name: string;
  readonly namespace: string;
  readonly host: string;
  readonly tls: { readonly at: 'alb' | 'nginx'; readonly secret: string | undefined };
  readonly aws: {
    readonly region: string;
    readonly secretsRole: string;
    readonly secretsPrefix: string;
  };
  readonly images: Readonly<Record<'app' | Store, string>>;
  readonly gitlab: { readonly url: string; readonly inCluster: Peer | undefined };
  readonly oidc: { readonly issuer: string; readonly clientId: string };
  readonly llm: Readonly<Partial<Record<'openai' | 'anthropic' | 'embeddings', string>>>;
  /** The content of the policy file. */
  readonly policy: string;
  readonly sandbox: {
    readonly mode: 'containers' | 'bubblewrap';
    readonly seccompProfile: string | undefined;
    readonly runtimeClass: string | undefined;
  };
  readonly storage: Readonly<Record<'class' | Store, string>> & {
    readonly shared: { readonly class: string; readonly size: string } | undefined;
  };
  readonly components: ReadonlyMap<ComponentName, ComponentSettings>;
  readonly backup: {
    readonly publicKey: string;
    readonly schedule: string;
    readonly keep: number;
    readonly storage: string;
  };
  readonly monitoring: {
    readonly labels: Readonly<Record<string, string>>;
    readonly dashboards: boolean;
  };
  readonly scaling: { readonly keda: boolean; readonly namespace: string };
  readonly platform: {
    readonly clusterObjects: boolean;
    readonly clusterDomain: string;
    readonly ingress: Peer;
    readonly prometheus: Peer;
    readonly dns: Peer;
  };
  readonly logLevel: string;
}

/** Fills in what the schema says of keys that are absent. */
export function resolveEnvironment(
  settings: KaasSettings,
  { name, policy }: { name: string; policy: string },
): Environment {
  const {
    platform = {},
    storage = {},
    tls = {},
    sandbox = {},
    monitoring = {},
    scaling = {},
  } = settings;
  const { backup, gitlab } = settings;
  return {
    name,
    namespace: settings.namespace,
    host: settings.host,
    tls: { at: tls.at ?? 'alb', secret: tls.secret },
    aws: {
      region: settings.aws.region,
      secretsRole: settings.aws.secrets_role,
      secretsPrefix: settings.aws.secrets_prefix,
    },
    images: settings.images,
    gitlab: {
      url: gitlab.url,
      inCluster: gitlab.in_cluster && peer(gitlab.in_cluster, 'gitlab', { app: 'webservice' }),
    },
    oidc: { issuer: settings.oidc.issuer, clientId: settings.oidc.client_id },
    llm: settings.llm ?? {
      openai: 'https://api.openai.com/v1',
      anthropic: 'https://api.anthropic.com',
    },
    policy,
    sandbox: {
      mode: sandbox.mode ?? 'containers',
      seccompProfile: sandbox.seccomp_profile,
      runtimeClass: sandbox.runtime_class,
    },
    storage: {
      class: storage.class ?? 'gp3',
      postgres: storage.postgres ?? '50Gi',
      redis: storage.redis ?? '5Gi',
      qdrant: storage.qdrant ?? '50Gi',
      shared: storage.shared,
    },
    components: new Map(
      COMPONENTS.map((component) => [component.name, settings.components?.[component.name] ?? {}]),
    ),
    backup: {
      publicKey: backup.public_key,
      schedule: backup.schedule ?? '17 2 * * *',
      keep: backup.keep ?? 14,
      storage: backup.storage ?? '100Gi',
    },
    monitoring: {
      labels: stated(monitoring.labels) ?? { release: 'prometheus' },
      dashboards: monitoring.dashboards ?? true,
    },
    scaling: { keda: scaling.keda ?? false, namespace: scaling.namespace ?? 'keda' },
    platform: {
      clusterObjects: platform.cluster_objects ?? false,
      clusterDomain: platform.cluster_domain ?? 'cluster.local',
      ingress: peer(platform.ingress, 'ingress-nginx', {
        'app.kubernetes.io/name': 'ingress-nginx',
      }),
      prometheus: peer(platform.prometheus, 'monitoring', {
        'app.kubernetes.io/name': 'prometheus',
      }),
      dns: peer(platform.dns, 'kube-system', { 'k8s-app': 'kube-dns' }),
    },
    logLevel: settings.log_level ?? 'info',
  };
}

function peer(
  given: { namespace?: string; labels?: Labels } | undefined,
  namespace: string,
  labels: Record<string, string>,
): Peer {
  return { namespace: given?.namespace ?? namespace, labels: stated(given?.labels) ?? labels };
}

/** As the generated types have it: any key may be absent. */
interface Labels {
  [label: string]: string | undefined;
}

function stated(labels: Labels | undefined): Record<string, string> | undefined {
  return (
    labels &&
    Object.fromEntries(
      Object.entries(labels).flatMap(([label, value]) =>
        value === undefined ? [] : [[label, value] as const],
      ),
    )
  );
}

/** The stores' services by the names that every component uses. */
export function services({ namespace, platform }: Environment): Services {
  const service = (store: Store): string => `${store}.${namespace}.svc.${platform.clusterDomain}`;
  return { postgres: service('postgres'), redis: service('redis'), qdrant: service('qdrant') };
}

export function qdrantUrl(environment: Environment): string {
  return `http://${services(environment).qdrant}:${STORE_SPECS.qdrant.port}`;
}

/** The host names that one kind of outside stands for. */
export function hostsOf(environment: Environment, outside: Outside, name: ComponentName): string[] {
  const { gitlab, oidc, llm, components } = environment;
  if (outside === 'packages') {
    return components.get(name)?.egress ?? [];
  }
  const urls = { gitlab: gitlab.url, oidc: oidc.issuer, ...llm };
  const url = urls[outside];
  return url === undefined ? [] : [new URL(url).hostname];
}
