import { at, isRecord, listAt, matches, textAt, textsAt, textsBelow } from './look.ts';
import type { Rule } from './rule.ts';
import { eachObject, ofKind, podsOf, titleOf } from './rule.ts';

const HOST = /^[a-z0-9]([a-z0-9-]*[a-z0-9])?\.kaas\.nimbus\.amgen\.com$/;
/** What would make a load balancer, or send logs somewhere: the platform's, never ours. */
const PLATFORMS =
  /(elbv2\.k8s\.aws|alb\.ingress\.kubernetes\.io|service\.beta\.kubernetes\.io\/aws-load-balancer|logs:CreateLogGroup|aws-logging|fluent-?(bit|d)|cloudwatch-agent|aws-for-fluent-bit)/i;
const HTTP_PORT = '8080';
const WORLD = new Set(['world', 'all', 'cluster', 'world-ipv4', 'world-ipv6']);

/** The way in, the ways out, and who may read what. */
export const EDGE_RULES: readonly Rule[] = [
  eachObject('ingress-host-tls', (object) => {
    if (object.kind !== 'Ingress') {
      return undefined;
    }
    const hosts = listAt(object, 'spec.rules').map((rule) => textAt(rule, 'host') ?? '');
    const secured = new Set(listAt(object, 'spec.tls').flatMap((tls) => listAt(tls, 'hosts')));
    const redirects =
      object.metadata.annotations?.['nginx.ingress.kubernetes.io/ssl-redirect'] === 'true';
    if (
      !hosts.every((host) => HOST.test(host)) ||
      textAt(object, 'spec.ingressClassName') !== 'nginx'
    ) {
      return 'its host is one label under kaas.nimbus.amgen.com, its class nginx';
    }
    // TLS in nginx goes with a redirect; TLS before nginx must not have one.
    return redirects !== hosts.every((host) => secured.has(host))
      ? 'a redirect without TLS in nginx never ends; TLS in nginx without one lets plain HTTP in'
      : undefined;
  }),
  eachObject('ingress-annotations', ({ kind, metadata: { annotations = {} } }) => {
    const bad = Object.keys(annotations).find((key) => /snippet|auth-url|configuration-/.test(key));
    return (
      kind === 'Ingress' && bad !== undefined && `${bad} runs configuration of its own in nginx`
    );
  }),
  {
    id: 'pod-covered-by-policy',
    find: (objects) => {
      const selectors = ofKind(objects, 'CiliumNetworkPolicy').map((policy) =>
        textsAt(policy, 'spec.endpointSelector.matchLabels'),
      );
      const denies = selectors.some((selector) => Object.keys(selector).length === 0);
      return [
        ...(denies ? [] : ['the namespace: nothing denies what no policy names']),
        ...podsOf(objects)
          .filter(({ labels }) => {
            const own = selectors.filter(
              (selector) => Object.keys(selector).length > 0 && matches(selector, labels),
            );
            return own.length !== 1;
          })
          .map(({ name }) => `${name}: it has not exactly one policy of its own`),
      ];
    },
  },
  eachObject('egress-no-world', (object) => {
    if (object.kind !== 'CiliumNetworkPolicy') {
      return undefined;
    }
    const open = listAt(object, 'spec.egress').some(
      (rule) =>
        listAt(rule, 'toEntities').some((entity) => WORLD.has(String(entity))) ||
        listAt(rule, 'toCIDR').length + listAt(rule, 'toCIDRSet').length > 0 ||
        JSON.stringify(rule).includes('"matchPattern"') ||
        // A rule with a target but without ports lets every port through.
        (isRecord(rule) && Object.keys(rule).length > 0 && listAt(rule, 'toPorts').length === 0),
    );
    return open && 'it opens more than exact names and ports';
  }),
  eachObject('fqdn-has-dns', (object) => {
    const rules = listAt(object, 'spec.egress');
    const resolved = new Set(
      rules
        .flatMap((rule) => listAt(rule, 'toPorts'))
        .flatMap((ports) => listAt(ports, 'rules.dns').map((dns) => textAt(dns, 'matchName'))),
    );
    const missing = rules
      .flatMap((rule) => listAt(rule, 'toFQDNs').map((name) => textAt(name, 'matchName')))
      .find((name) => !resolved.has(name));
    return missing !== undefined && `it may reach ${missing}, but not ask for its address`;
  }),
  {
    id: 'irsa-only-eso',
    find: (objects) => {
      const roles = new Set(
        ofKind(objects, 'ServiceAccount')
          .filter(
            ({ metadata }) => metadata.annotations?.['eks.amazonaws.com/role-arn'] !== undefined,
          )
          .map(({ metadata }) => metadata.name),
      );
      return podsOf(objects)
        .filter(({ spec }) => roles.has(textAt(spec, 'serviceAccountName') ?? ''))
        .map(({ name }) => `${name}: a pod has the role that reads every secret`);
    },
  },
  eachObject('platform-owns-balancer-and-logs', (object) => {
    const found = [...Object.keys(object.metadata.annotations ?? {}), ...textsBelow(object)].find(
      (text) => PLATFORMS.test(text),
    );
    const kinds = ['DaemonSet', 'TargetGroupBinding', 'IngressClass', 'IngressClassParams'];
    return kinds.includes(object.kind) || found !== undefined
      ? 'load balancers and logs are the platform’s'
      : undefined;
  }),
  {
    // Whoever may reach the port that serves people comes from outside, and may reach nothing else of ours.
    id: 'metrics-not-from-ingress',
    find: (objects) => {
      const flows = ofKind(objects, 'CiliumNetworkPolicy').flatMap((policy) =>
        listAt(policy, 'spec.ingress').flatMap((rule) =>
          listAt(rule, 'fromEndpoints').map((from) => ({
            policy,
            from: JSON.stringify(from),
            ports: listAt(rule, 'toPorts')
              .flatMap((ports) => listAt(ports, 'ports'))
              .map((port) => at(port, 'port')),
          })),
        ),
      );
      const outsiders = new Set(
        flows.filter(({ ports }) => ports.includes(HTTP_PORT)).map(({ from }) => from),
      );
      return flows
        .filter(
          ({ from, ports }) => outsiders.has(from) && ports.some((port) => port !== HTTP_PORT),
        )
        .map(
          ({ policy }) =>
            `${titleOf(policy)}: the ingress reaches more than the port that serves people`,
        );
    },
  },
];
