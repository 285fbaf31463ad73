import type { ICiliumNetworkPolicy } from '@kubernetes-models/cilium/cilium.io/v2/CiliumNetworkPolicy';

import type { Component, Store } from './components.ts';
import { COMPONENTS, PORTS, STORE_SPECS, STORES } from './components.ts';
import type { Environment, Peer } from './environment.ts';
import { hostsOf, services } from './environment.ts';
import { metadata, selector } from './manifest.ts';

type Spec = NonNullable<ICiliumNetworkPolicy['spec']>;
type Egress = NonNullable<Spec['egress']>[number];
type Ingress = NonNullable<Spec['ingress']>[number];

/** The pods of jobs, and the stores that they reach. */
const JOBS: readonly { name: string; stores: readonly Store[] }[] = [
  { name: 'migrate', stores: ['postgres'] },
  { name: 'backup-postgres', stores: ['postgres'] },
  { name: 'backup-qdrant', stores: ['qdrant'] },
];

/**
 * Nothing in, nothing out, and then the flows that the table of components names, each on both of its sides. Probes
 * need no rule: Cilium lets a node reach its own pods.
 */
export function networkManifests(environment: Environment): ICiliumNetworkPolicy[] {
  return [
    policy('default-deny', {
      endpointSelector: {},
      enableDefaultDeny: { ingress: true, egress: true },
      ingress: [{}],
      egress: [{}],
    }),
    ...STORES.map((store) => storePolicy(environment, store)),
    ...JOBS.map(({ name, stores }) =>
      policy(name, {
        endpointSelector: { matchLabels: selector(name) },
        ingress: [{}],
        egress: egressOf(environment, { stores, hosts: [] }),
      }),
    ),
    ...COMPONENTS.map((component) => componentPolicy(environment, component)),
  ];
}

function componentPolicy(environment: Environment, component: Component): ICiliumNetworkPolicy {
  const { platform } = environment;
  const ingress: Ingress[] = [
    { fromEndpoints: [endpoints(platform.prometheus)], toPorts: tcp(PORTS.metrics) },
    ...(component.path === undefined
      ? []
      : [{ fromEndpoints: [endpoints(platform.ingress)], toPorts: tcp(PORTS.http) }]),
  ];
  return policy(component.name, {
    endpointSelector: { matchLabels: selector(component.name) },
    ingress,
    egress: egressOf(environment, {
      stores: component.stores,
      hosts: outsideHosts(environment, component),
      inCluster: component.outside.includes('gitlab') ? environment.gitlab.inCluster : undefined,
    }),
  });
}

/** Sorted and without doubles; GitLab within the cluster is reached by its pods' labels, not by name. */
function outsideHosts(environment: Environment, { name, outside }: Component): string[] {
  const hosts = outside
    .filter((kind) => kind !== 'gitlab' || environment.gitlab.inCluster === undefined)
    .flatMap((kind) => hostsOf(environment, kind, name));
  return [...new Set(hosts)].sort();
}

function storePolicy(environment: Environment, store: Store): ICiliumNetworkPolicy {
  const { namespace, scaling } = environment;
  const users = [...JOBS, ...COMPONENTS].filter(({ stores }) => stores.includes(store));
  const scaler: Ingress[] =
    scaling.keda && store === 'postgres'
      ? [
          {
            fromEndpoints: [
              endpoints({
                namespace: scaling.namespace,
                labels: { 'app.kubernetes.io/name': 'keda-operator' },
              }),
            ],
            toPorts: tcp(STORE_SPECS.postgres.port),
          },
        ]
      : [];
  return policy(store, {
    endpointSelector: { matchLabels: selector(store) },
    ingress: [
      {
        fromEndpoints: users.map(({ name }) => endpoints({ namespace, labels: selector(name) })),
        toPorts: tcp(STORE_SPECS[store].port),
      },
      ...scaler,
    ],
    egress: [{}],
  });
}

interface Targets {
  readonly stores: readonly Store[];
  readonly hosts: readonly string[];
  readonly inCluster?: Peer | undefined;
}

/**
 * A name may be resolved when, and only when, the pod may also talk to what it stands for: the DNS rule is what
 * `toFQDNs` learns addresses from, and what keeps data from leaving in questions.
 */
function egressOf(environment: Environment, { stores, hosts, inCluster }: Targets): Egress[] {
  const { namespace, platform, gitlab } = environment;
  const names = [
    ...stores.map((store) => services(environment)[store]),
    ...hosts,
    ...(inCluster === undefined ? [] : [new URL(gitlab.url).hostname]),
  ];
  return [
    {
      toEndpoints: [endpoints(platform.dns)],
      toPorts: [
        {
          ports: [
            { port: '53', protocol: 'UDP' },
            { port: '53', protocol: 'TCP' },
          ],
          rules: { dns: names.map((matchName) => ({ matchName })) },
        },
      ],
    },
    ...stores.map((store) => ({
      toEndpoints: [endpoints({ namespace, labels: selector(store) })],
      toPorts: tcp(STORE_SPECS[store].port),
    })),
    ...(inCluster === undefined
      ? []
      : [{ toEndpoints: [endpoints(inCluster)], toPorts: tcp(443) }]),
    ...(hosts.length === 0
      ? []
      : [{ toFQDNs: hosts.map((matchName) => ({ matchName })), toPorts: tcp(443) }]),
  ];
}

function endpoints({ namespace, labels }: Peer): { matchLabels: Record<string, string> } {
  return {
    matchLabels: {
      'k8s:io.kubernetes.pod.namespace': namespace,
      ...Object.fromEntries(Object.entries(labels).map(([key, value]) => [`k8s:${key}`, value])),
    },
  };
}

function tcp(port: number): { ports: { port: string; protocol: 'TCP' }[] }[] {
  return [{ ports: [{ port: String(port), protocol: 'TCP' }] }];
}

function policy(name: string, spec: Spec): ICiliumNetworkPolicy {
  return {
    apiVersion: 'cilium.io/v2',
    kind: 'CiliumNetworkPolicy',
    metadata: metadata(name, 'network'),
    spec,
  };
}
