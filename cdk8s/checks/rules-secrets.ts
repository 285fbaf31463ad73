import type { KubernetesObject } from '../build.ts';
import { at, listAt, textAt } from './look.ts';
import type { Container, Pod, Rule } from './rule.ts';
import { ofKind, podsOf, titleOf } from './rule.ts';

/** Who may be given which value of Secrets Manager; what is not named here, nobody may. */
const HOLDERS: readonly { value: RegExp; holders: RegExp }[] = [
  { value: /\/gitlab#write_token$/, holders: /^orchestrator$/ },
  { value: /\/gitlab#read_token$/, holders: /^(dashboard|reconciler|agent-.+)$/ },
  { value: /\/gitlab#webhook_secret$/, holders: /^webhook$/ },
  { value: /\/llm#/, holders: /^agent-/ },
  { value: /\/qdrant#/, holders: /^(qdrant|backup-qdrant|agent-.+)$/ },
  { value: /\/oidc#/, holders: /^dashboard$/ },
  { value: /\/redis#runner_password$/, holders: /^(redis|agent-.+)$/ },
  { value: /\/redis#(\w+)_password$/, holders: /^(redis|dashboard|reconciler|orchestrator)$/ },
  { value: /\/database#superuser_password$/, holders: /^postgres$/ },
  { value: /\/database#runner_password$/, holders: /^(postgres|agent-.+)$/ },
  { value: /\/database#backup_password$/, holders: /^(postgres|backup-postgres)$/ },
  { value: /\/database#scheduler_password$/, holders: /^(postgres|scheduler|scaler)$/ },
  {
    value: /\/database#(\w+)_password$/,
    holders: /^(postgres|dashboard|webhook|reconciler|orchestrator|migrate)$/,
  },
  { value: /\/registry#/, holders: /^registry$/ },
];
/** What runner and worker have in common. */
const SHARED_WITH_WORKER = new Set(['worker', 'data']);

export const SECRET_RULES: readonly Rule[] = [
  {
    id: 'secret-holders',
    find: (objects) =>
      ofKind(objects, 'ExternalSecret').flatMap((secret) =>
        valuesOf(secret).flatMap((value) => {
          const rule = HOLDERS.find(({ value: known }) => known.test(value));
          return rule?.holders.test(secret.metadata.name) === true
            ? []
            : [`${titleOf(secret)}: ${value} is not for it`];
        }),
      ),
  },
  {
    id: 'own-secret-only',
    find: (objects) =>
      podsOf(objects).flatMap(({ name, owner, spec }) =>
        listAt(spec, 'volumes').flatMap((volume) => {
          const secret = textAt(volume, 'secret.secretName');
          const own = owner.metadata.name.replace(/^migrate-.*/, 'migrate');
          return secret === undefined || secret === own
            ? []
            : [`${name}: it mounts the secret of ${secret}`];
        }),
      ),
  },
  {
    id: 'worker-apart',
    find: (objects) =>
      podsOf(objects)
        .filter(({ labels }) => labels['app.kubernetes.io/component'] === 'agent')
        .flatMap((pod) => {
          const worker = pod.containers.find(({ name }) => name === 'worker');
          const runner = pod.containers.find(({ name }) => name === 'runner');
          const problem =
            worker === undefined || runner === undefined
              ? 'it needs a runner and a worker'
              : workerProblem(pod, runner, worker);
          return problem === undefined ? [] : [`${pod.name}: ${problem}`];
        }),
  },
];

function workerProblem({ spec }: Pod, runner: Container, worker: Container): string | undefined {
  const uid = at(worker.node, 'securityContext.runAsUser');
  if (uid === undefined || uid === at(spec, 'securityContext.runAsUser')) {
    return 'the worker has the account of the runner';
  }
  if (at(spec, 'shareProcessNamespace') === true) {
    return 'the worker sees the processes of the runner';
  }
  if (listAt(worker.node, 'envFrom').length > 0 || JSON.stringify(worker.node).includes('_FILE"')) {
    return 'the worker is told where secrets are';
  }
  const mounts = (container: Container) =>
    listAt(container.node, 'volumeMounts').map((mount) => ({
      name: textAt(mount, 'name') ?? '',
      subPath: textAt(mount, 'subPath') ?? '',
    }));
  const shared = mounts(worker).filter(({ name }) =>
    mounts(runner).some((own) => own.name === name),
  );
  const wrong = shared.find(
    ({ name, subPath }) =>
      !SHARED_WITH_WORKER.has(name) || (name === 'data' && !subPath.endsWith('/workspaces')),
  );
  return (
    wrong && `the worker sees ${wrong.name}${wrong.subPath && `/${wrong.subPath}`} of the runner`
  );
}

/** `auto-dev/prod/gitlab#write_token` for each value that a secret is made from. */
function valuesOf(secret: KubernetesObject): string[] {
  const all = listAt(secret, 'spec.dataFrom').map(() => 'everything#');
  return [
    ...all,
    ...listAt(secret, 'spec.data').map(
      (entry) => `${textAt(entry, 'remoteRef.key')}#${textAt(entry, 'remoteRef.property')}`,
    ),
  ];
}
