import { amount, at, isRecord, listAt, recordAt, textAt } from './look.ts';
import type { Container, Pod, Rule } from './rule.ts';
import { eachContainer, eachPod, ofKind, podsOf } from './rule.ts';

const BY_DIGEST = /^[a-z0-9.-]+(:\d+)?\/[a-z0-9._/-]+@sha256:[0-9a-f]{64}$/;
const PRIORITIES = /^auto-dev-(data|control|agent)$/;
/** What is never ended for being unready, as nobody sends it anything. */
const RUNS_TO_ITS_END = new Set(['Job', 'CronJob']);

/** More than Pod Security asks for: what kube-linter, Polaris and kube-score say of pods, as far as it is right here. */
export const HARDENING_RULES: readonly Rule[] = [
  eachContainer(
    'read-only-root',
    ({ node }) =>
      at(node, 'securityContext.readOnlyRootFilesystem') !== true &&
      'its root file system must be read-only',
  ),
  {
    id: 'no-api-token',
    find: (objects) => [
      ...podsOf(objects).flatMap(({ name, spec }) =>
        spec['automountServiceAccountToken'] === false
          ? []
          : [`${name}: it gets a token of the cluster`],
      ),
      ...ofKind(objects, 'ServiceAccount').flatMap((account) =>
        account['automountServiceAccountToken'] === false
          ? []
          : [`ServiceAccount/${account.metadata.name}: its pods get a token of the cluster`],
      ),
    ],
  },
  {
    id: 'own-service-account',
    find: (objects) => {
      const accounts = new Set(
        ofKind(objects, 'ServiceAccount').map(({ metadata }) => metadata.name),
      );
      const users = new Map<string, string>();
      return podsOf(objects).flatMap(({ name, spec }) => {
        const account = textAt(spec, 'serviceAccountName') ?? 'default';
        const other = users.get(account);
        users.set(account, name);
        return !accounts.has(account)
          ? [`${name}: nobody makes its account ${account}`]
          : other === undefined
            ? []
            : [`${name}: it shares the account ${account} with ${other}`];
      });
    },
  },
  eachContainer('image-digest', ({ node }) => {
    const image = textAt(node, 'image') ?? '';
    return !BY_DIGEST.test(image) && `${image} is not named by digest`;
  }),
  eachContainer('resources', ({ node }) => resourceProblem(node)),
  eachContainer('probes', (container, pod) => probeProblem(container, pod)),
  eachContainer('probe-ports', ({ node }) => {
    const ports = new Set(
      listAt(node, 'ports').flatMap((port) => [at(port, 'name'), at(port, 'containerPort')]),
    );
    const asked = ['startupProbe', 'livenessProbe', 'readinessProbe'].flatMap(
      (probe) => at(node, `${probe}.httpGet.port`) ?? [],
    );
    const unknown = asked.find((port) => !ports.has(port));
    return (
      unknown !== undefined &&
      `a probe asks the port ${JSON.stringify(unknown)}, which it does not open`
    );
  }),
  eachPod(
    'priority-class',
    ({ spec }) =>
      !PRIORITIES.test(textAt(spec, 'priorityClassName') ?? '') &&
      'it needs one of our priority classes',
  ),
  eachContainer(
    'writable-mounts',
    ({ node }) =>
      !listAt(node, 'volumeMounts').some((mount) => at(mount, 'mountPath') === '/tmp') &&
      'with a read-only root it needs a /tmp',
  ),
  eachPod('emptydir-limit', ({ spec }) => {
    const bad = listAt(spec, 'volumes').find((volume) => {
      const folder = at(volume, 'emptyDir');
      return isRecord(folder) && Number.isNaN(amount(folder['sizeLimit']));
    });
    return bad !== undefined && `the volume ${textAt(bad, 'name')} may fill the node`;
  }),
];

function resourceProblem(node: unknown): string | undefined {
  const requests = recordAt(node, 'resources.requests');
  const limits = recordAt(node, 'resources.limits');
  const missing = ['cpu', 'memory', 'ephemeral-storage'].find(
    (name) => requests[name] === undefined,
  );
  if (missing !== undefined) {
    return `it reserves no ${missing}`;
  }
  if (limits['memory'] === undefined) {
    return 'its memory has no limit';
  }
  const above = Object.keys(limits).find((name) => amount(requests[name]) > amount(limits[name]));
  return above && `it reserves more ${above} than it may have`;
}

function probeProblem({ node, isInit }: Container, { owner }: Pod): string | undefined {
  if (isInit || RUNS_TO_ITS_END.has(owner.kind)) {
    return undefined;
  }
  const [live, ready] = ['livenessProbe', 'readinessProbe'].map((probe) =>
    JSON.stringify(['httpGet', 'exec', 'tcpSocket'].map((kind) => at(node, `${probe}.${kind}`))),
  );
  const none = JSON.stringify([null, null, null]);
  return live === none || ready === none
    ? 'it needs a probe of life and one of readiness'
    : live === ready
      ? 'what is not ready is not dead: its two probes must differ'
      : undefined;
}
