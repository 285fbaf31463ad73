import { expect, test } from 'vitest';

import type { KubernetesObject } from '../build.ts';
import { ENVIRONMENTS, environmentOf, objectsOf, WITH_EVERYTHING } from './environment-fixture.ts';
import { titleOf } from './rule.ts';
import { breaches, RULES } from './rules.ts';

const prod = objectsOf(environmentOf('prod'));

test.each(ENVIRONMENTS)('%s breaks no rule', (name) => {
  expect(breaches(objectsOf(environmentOf(name)))).toEqual([]);
});

test('an environment with everything switched on breaks no rule', () => {
  expect(breaches(objectsOf(environmentOf('prod', ...WITH_EVERYTHING)))).toEqual([]);
});

const APP = 'spec.template.spec';
const FIRST = `${APP}.containers.0`;
const GONE = undefined;

/** What breaks each rule: the object, the place, and what is put there instead. */
const BREAKS: readonly [rule: string, object: string, path: string, value: unknown][] = [
  ['unique-objects', 'Deployment/webhook', 'metadata.name', 'dashboard'],
  ['dns-names', 'Deployment/webhook', 'metadata.name', 'Web_Hook'],
  ['dns-names', 'CronJob/backup-qdrant', 'metadata.name', 'b'.repeat(53)],
  ['namespace', 'Deployment/webhook', 'metadata.namespace', 'default'],
  ['recommended-labels', 'Service/webhook', 'metadata.labels', {}],
  ['label-values', 'Service/webhook', 'metadata.labels.team', 'a team'],
  ['no-plain-secrets', 'Service/webhook', 'kind', 'Secret'],
  ['no-plain-secrets', /^ConfigMap\/settings/.source, 'data.API_TOKEN', 'abc'],
  [
    'no-secret-in-env',
    'Deployment/webhook',
    `${FIRST}.envFrom.0`,
    { secretRef: { name: 'webhook' } },
  ],
  [
    'no-secret-in-env',
    'Deployment/webhook',
    `${FIRST}.env.0`,
    { name: 'DATABASE_URL', value: 'x' },
  ],
  ['pss-host', 'Deployment/webhook', `${APP}.hostNetwork`, true],
  [
    'pss-volumes',
    'Deployment/webhook',
    `${APP}.volumes.0`,
    { name: 'tmp-webhook', hostPath: { path: '/' } },
  ],
  ['pss-ports', 'Deployment/webhook', `${FIRST}.ports.0.hostPort`, 80],
  ['pss-privilege', 'Deployment/webhook', `${FIRST}.securityContext.privileged`, true],
  [
    'pss-privilege',
    'Deployment/webhook',
    `${FIRST}.securityContext.allowPrivilegeEscalation`,
    GONE,
  ],
  [
    'pss-capabilities',
    'Deployment/webhook',
    `${FIRST}.securityContext.capabilities.drop`,
    ['NET_RAW'],
  ],
  [
    'pss-capabilities',
    'Deployment/webhook',
    `${FIRST}.securityContext.capabilities.add`,
    ['SYS_ADMIN'],
  ],
  ['pss-non-root', 'Deployment/webhook', `${FIRST}.securityContext.runAsNonRoot`, false],
  ['pss-non-root', 'StatefulSet/redis', `${APP}.securityContext.runAsUser`, 0],
  ['pss-seccomp', 'Deployment/webhook', `${APP}.securityContext.seccompProfile.type`, 'Unconfined'],
  ['pss-sysctl-procmount', 'Deployment/webhook', `${FIRST}.securityContext.procMount`, 'Unmasked'],
  [
    'pss-host-probes',
    'Deployment/webhook',
    `${FIRST}.livenessProbe.httpGet.host`,
    '169.254.169.254',
  ],
  [
    'read-only-root',
    'Deployment/webhook',
    `${FIRST}.securityContext.readOnlyRootFilesystem`,
    false,
  ],
  ['no-api-token', 'Deployment/webhook', `${APP}.automountServiceAccountToken`, GONE],
  ['no-api-token', 'ServiceAccount/webhook', 'automountServiceAccountToken', true],
  ['own-service-account', 'Deployment/webhook', `${APP}.serviceAccountName`, 'dashboard'],
  ['own-service-account', 'Deployment/webhook', `${APP}.serviceAccountName`, GONE],
  ['image-digest', 'Deployment/webhook', `${FIRST}.image`, 'registry.example.com/app:latest'],
  ['resources', 'Deployment/webhook', `${FIRST}.resources.limits.memory`, GONE],
  ['resources', 'Deployment/webhook', `${FIRST}.resources.requests.cpu`, GONE],
  ['resources', 'Deployment/webhook', `${FIRST}.resources.requests.memory`, '9Gi'],
  ['probes', 'Deployment/webhook', `${FIRST}.livenessProbe`, GONE],
  ['probes', 'Deployment/webhook', `${FIRST}.livenessProbe.httpGet.path`, '/readyz'],
  ['probe-ports', 'Deployment/webhook', `${FIRST}.livenessProbe.httpGet.port`, 'probes'],
  ['priority-class', 'Deployment/webhook', `${APP}.priorityClassName`, 'system-node-critical'],
  ['writable-mounts', 'Deployment/webhook', `${FIRST}.volumeMounts.0.mountPath`, '/var/tmp'],
  ['emptydir-limit', 'Deployment/webhook', `${APP}.volumes.0.emptyDir`, {}],
  ['selector-matches', 'Deployment/webhook', 'spec.template.metadata.labels', {}],
  [
    'selector-unique',
    'Deployment/webhook',
    'spec.selector.matchLabels',
    { 'app.kubernetes.io/part-of': 'auto-dev' },
  ],
  ['service-targets', 'Service/webhook', 'spec.ports.0.targetPort', 'https'],
  [
    'service-targets',
    'Service/webhook',
    'spec.selector',
    { 'app.kubernetes.io/part-of': 'auto-dev' },
  ],
  ['service-type', 'Service/webhook', 'spec.type', 'LoadBalancer'],
  ['pdb-targets', 'PodDisruptionBudget/webhook', 'spec.selector.matchLabels', { app: 'web' }],
  ['pdb-targets', 'PodDisruptionBudget/webhook', 'spec.maxUnavailable', 0],
  ['config-refs', 'Deployment/webhook', `${FIRST}.envFrom.0.configMapRef.name`, 'settings'],
  ['volume-refs', 'Deployment/webhook', `${FIRST}.volumeMounts.0.name`, 'scratch'],
  [
    'claim-used-once',
    'Deployment/agent-pm',
    `${APP}.volumes.4.persistentVolumeClaim.claimName`,
    'agent-builder-data',
  ],
  ['rwo-recreate', 'Deployment/agent-pm', 'spec.strategy', { type: 'RollingUpdate' }],
  ['rwo-recreate', 'Deployment/agent-pm', 'spec.replicas', 2],
  [
    'ingress-backends',
    'Ingress/auto-dev',
    'spec.rules.0.http.paths.0.backend.service.name',
    'hooks',
  ],
  ['secret-store-refs', 'ExternalSecret/webhook', 'spec.secretStoreRef.name', 'vault'],
  ['secret-store-refs', 'ExternalSecret/webhook', 'spec.target.name', 'hooks'],
  ['ingress-host-tls', 'Ingress/auto-dev', 'spec.rules.0.host', 'auto-dev.example.com'],
  [
    'ingress-host-tls',
    'Ingress/auto-dev',
    'metadata.annotations',
    { 'nginx.ingress.kubernetes.io/ssl-redirect': 'true' },
  ],
  ['ingress-host-tls', 'Ingress/auto-dev', 'spec.ingressClassName', 'alb'],
  [
    'ingress-annotations',
    'Ingress/auto-dev',
    'metadata.annotations',
    { 'nginx.ingress.kubernetes.io/server-snippet': 'x' },
  ],
  [
    'pod-covered-by-policy',
    'CiliumNetworkPolicy/webhook',
    'spec.endpointSelector.matchLabels',
    { app: 'web' },
  ],
  [
    'pod-covered-by-policy',
    'CiliumNetworkPolicy/default-deny',
    'spec.endpointSelector',
    { matchLabels: { app: 'web' } },
  ],
  ['egress-no-world', 'CiliumNetworkPolicy/reconciler', 'spec.egress.1', { toEntities: ['world'] }],
  [
    'egress-no-world',
    'CiliumNetworkPolicy/reconciler',
    'spec.egress.1',
    { toCIDR: ['0.0.0.0/0'], toPorts: [{}] },
  ],
  [
    'egress-no-world',
    'CiliumNetworkPolicy/reconciler',
    'spec.egress.3.toFQDNs',
    [{ matchPattern: '*' }],
  ],
  ['egress-no-world', 'CiliumNetworkPolicy/reconciler', 'spec.egress.3.toPorts', GONE],
  [
    'fqdn-has-dns',
    'CiliumNetworkPolicy/reconciler',
    'spec.egress.3.toFQDNs',
    [{ matchName: 'example.org' }],
  ],
  ['irsa-only-eso', 'Deployment/webhook', `${APP}.serviceAccountName`, 'secret-reader'],
  [
    'platform-owns-balancer-and-logs',
    'Ingress/auto-dev',
    'metadata.annotations',
    { 'alb.ingress.kubernetes.io/scheme': 'internal' },
  ],
  [
    'platform-owns-balancer-and-logs',
    'Service/webhook',
    'metadata.annotations',
    { 'service.beta.kubernetes.io/aws-load-balancer-type': 'nlb' },
  ],
  ['platform-owns-balancer-and-logs', 'Deployment/webhook', 'kind', 'DaemonSet'],
  [
    'platform-owns-balancer-and-logs',
    'Deployment/webhook',
    `${FIRST}.image`,
    'registry.example.com/fluent-bit@sha256:0',
  ],
  [
    'metrics-not-from-ingress',
    'CiliumNetworkPolicy/webhook',
    'spec.ingress.1.toPorts.0.ports.0.port',
    '9090',
  ],
  ['secret-holders', 'ExternalSecret/reconciler', 'spec.data.2.remoteRef.property', 'write_token'],
  ['secret-holders', 'ExternalSecret/dashboard', 'spec.data.0.remoteRef.key', 'auto-dev/prod/llm'],
  [
    'secret-holders',
    'ExternalSecret/dashboard',
    'spec.dataFrom',
    [{ extract: { key: 'auto-dev/prod' } }],
  ],
  ['own-secret-only', 'Deployment/agent-pm', `${APP}.volumes.2.secret.secretName`, 'orchestrator'],
  ['worker-apart', 'Deployment/agent-pm', `${APP}.containers.1.securityContext.runAsUser`, 10_001],
  ['worker-apart', 'Deployment/agent-pm', `${APP}.shareProcessNamespace`, true],
  ['worker-apart', 'Deployment/agent-pm', `${APP}.containers.1.volumeMounts.0.name`, 'secrets'],
  ['worker-apart', 'Deployment/agent-pm', `${APP}.containers.1.volumeMounts.2.subPath`, 'data'],
  [
    'worker-apart',
    'Deployment/agent-pm',
    `${APP}.containers.1.envFrom`,
    [{ configMapRef: { name: 'settings' } }],
  ],
  ['worker-apart', 'Deployment/agent-pm', `${APP}.containers.1.name`, 'sidecar'],
];

test.each(BREAKS)('%s fires: %s %s', (rule, title, path, value) => {
  const objects = structuredClone(prod);
  const object = objects.find((candidate) => new RegExp(`^${title}`).test(titleOf(candidate)));

  replace(object, path.split('.'), value);

  expect(fired(objects)).toContain(rule);
});

test('whatever a rule forbids, some case shows it', () => {
  const shown = new Set(BREAKS.map(([rule]) => rule));

  expect(RULES.map(({ id }) => id).filter((id) => !shown.has(id))).toEqual([]);
  expect(new Set(RULES.map(({ id }) => id)).size).toBe(RULES.length);
});

test('one fault is one finding, with its object and what to do', () => {
  const objects = structuredClone(prod);
  const webhook = objects.find((object) => titleOf(object) === 'Deployment/webhook');

  replace(webhook, `${FIRST}.securityContext.readOnlyRootFilesystem`.split('.'), false);

  expect(breaches(objects)).toEqual([
    '[read-only-root] Deployment/webhook webhook: its root file system must be read-only',
  ]);
});

function fired(objects: readonly KubernetesObject[]): string[] {
  return breaches(objects).map((problem) => /^\[([^\]]+)\]/.exec(problem)?.[1] ?? '');
}

/** Puts a value at a place that is there, or whose parent is. A path that leads nowhere is a mistake of the test. */
function replace(node: unknown, [key = '', ...rest]: readonly string[], value: unknown): void {
  if (!isNode(node) || (rest.length > 0 && node[key] === undefined)) {
    throw new TypeError(`there is no ${key} before ${rest.join('.')}`);
  }
  if (rest.length > 0) {
    replace(node[key], rest, value);
  } else {
    node[key] = value;
  }
}

function isNode(node: unknown): node is Record<string, unknown> {
  return typeof node === 'object' && node !== null;
}
