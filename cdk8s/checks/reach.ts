import type { KubernetesObject } from '../build.ts';
import { at, isRecord, listAt, matches, textAt, textsAt } from './look.ts';
import { ofKind, podsOf } from './rule.ts';

/** Something with an address in the cluster. */
export interface Endpoint {
  readonly name: string;
  readonly namespace: string;
  readonly labels: Readonly<Record<string, string>>;
}

const NAMESPACE = 'io.kubernetes.pod.namespace';

/** The pods of everything that is applied. */
export function endpointsOf(objects: readonly KubernetesObject[]): Endpoint[] {
  return podsOf(objects).map(({ owner, labels }) => ({
    name: labels['app.kubernetes.io/name'] ?? '',
    namespace: owner.metadata.namespace ?? '',
    labels,
  }));
}

/**
 * What Cilium's policies let through, as its documentation says it: whom a policy selects is denied what no rule
 * allows; a connection must be allowed by both ends; names of other namespaces count only where a rule says so.
 * Layer 3 and 4 and names; nothing here needs a cluster.
 */
export class Reach {
  readonly #policies: readonly KubernetesObject[];

  constructor(objects: readonly KubernetesObject[]) {
    this.#policies = ofKind(objects, 'CiliumNetworkPolicy');
  }

  pod(from: Endpoint, to: Endpoint, port: number): boolean {
    return (
      this.#allows(
        'egress',
        from,
        (rule, policy) => names(rule, 'toEndpoints', policy, to) && opens(rule, port),
      ) &&
      this.#allows(
        'ingress',
        to,
        (rule, policy) => names(rule, 'fromEndpoints', policy, from) && opens(rule, port),
      )
    );
  }

  /** A host outside: it must be possible to ask for its address as well. */
  host(from: Endpoint, host: string, port: number): boolean {
    const mayResolve = this.resolves(from).includes(host);
    return (
      mayResolve &&
      this.#allows(
        'egress',
        from,
        (rule) =>
          listAt(rule, 'toFQDNs').some((name) => at(name, 'matchName') === host) &&
          opens(rule, port),
      )
    );
  }

  /** The names that a pod may ask for. */
  resolves(from: Endpoint): string[] {
    return this.#selecting(from)
      .flatMap((policy) => listAt(policy, 'spec.egress'))
      .flatMap((rule) => listAt(rule, 'toPorts'))
      .flatMap((ports) =>
        listAt(ports, 'rules.dns').flatMap((dns) => textAt(dns, 'matchName') ?? []),
      );
  }

  #allows(
    direction: 'egress' | 'ingress',
    endpoint: Endpoint,
    allowed: (rule: unknown, policy: KubernetesObject) => boolean,
  ): boolean {
    const selecting = this.#selecting(endpoint).filter(
      (policy) => at(policy, `spec.${direction}`) !== undefined,
    );
    // Nobody's policy selects it: it is outside of ours, and its own rules are not ours to know.
    return (
      selecting.length === 0 ||
      selecting.some((policy) =>
        listAt(policy, `spec.${direction}`).some((rule) => allowed(rule, policy)),
      )
    );
  }

  #selecting(endpoint: Endpoint): KubernetesObject[] {
    return this.#policies.filter(
      ({ metadata, spec }) =>
        metadata.namespace === endpoint.namespace &&
        matches(textsAt({ spec }, 'spec.endpointSelector.matchLabels'), endpoint.labels),
    );
  }
}

function names(rule: unknown, field: string, policy: KubernetesObject, peer: Endpoint): boolean {
  return listAt(rule, field).some((selector) => {
    const wanted = Object.fromEntries(
      Object.entries(textsAt(selector, 'matchLabels')).map(([key, value]) => [
        key.replace(/^k8s:/, ''),
        value,
      ]),
    );
    const { [NAMESPACE]: namespace = policy.metadata.namespace, ...labels } = wanted;
    return peer.namespace === namespace && matches(labels, peer.labels);
  });
}

/** A rule without ports opens all of them; an empty rule opens nothing, as it names nobody. */
function opens(rule: unknown, port: number): boolean {
  const ports = listAt(rule, 'toPorts').flatMap((entry) => listAt(entry, 'ports'));
  return (
    isRecord(rule) &&
    (ports.length === 0 || ports.some((open) => at(open, 'port') === String(port)))
  );
}
