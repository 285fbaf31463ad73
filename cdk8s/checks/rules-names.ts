import { listAt, recordAt, textAt } from './look.ts';
import type { Rule } from './rule.ts';
import { eachContainer, eachObject, titleOf } from './rule.ts';

const LABELS = ['name', 'component', 'part-of', 'managed-by'].map(
  (label) => `app.kubernetes.io/${label}`,
);
/** Of the whole cluster: these have no namespace. */
const CLUSTER = new Set(['Namespace', 'PriorityClass', 'StorageClass']);
/** Kubernetes appends eleven characters to a CronJob's name for its jobs. */
const LONGEST = { CronJob: 52 } as const;
const LABEL_VALUE = /^([A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?)?$/;
const SECRET_NAME = /(password|secret|token|key|credential|database_url|redis_url)/i;

export const NAME_RULES: readonly Rule[] = [
  {
    id: 'unique-objects',
    find: (objects) => {
      const titles = objects.map((object) => `${object.apiVersion} ${titleOf(object)}`);
      return titles.filter((title, i) => titles.indexOf(title) !== i);
    },
  },
  eachObject('dns-names', ({ kind, metadata: { name } }) => {
    const longest = kind === 'CronJob' ? LONGEST.CronJob : 63;
    return (
      (!/^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/.test(name) || name.length > longest) &&
      `its name must be a DNS label of at most ${longest} characters`
    );
  }),
  eachObject('namespace', ({ kind, metadata: { namespace } }) =>
    CLUSTER.has(kind)
      ? namespace !== undefined && 'it is of the whole cluster and has no namespace'
      : (namespace === undefined || namespace === 'default') && 'it needs a namespace of ours',
  ),
  eachObject('recommended-labels', ({ metadata: { labels = {} } }) => {
    const missing = LABELS.filter((label) => labels[label] === undefined);
    return missing.length > 0 && `it lacks ${missing.join(', ')}`;
  }),
  eachObject('label-values', ({ metadata: { labels = {} } }) => {
    const bad = Object.entries(labels).find(([, value]) => !LABEL_VALUE.test(value));
    return bad && `the label ${bad[0]} cannot be ${JSON.stringify(bad[1])}`;
  }),
  eachObject('no-plain-secrets', (object) => {
    const isSecret =
      object.kind === 'Secret' && 'a secret comes from the operator, never from here';
    const key = Object.entries(recordAt(object, 'data')).find(
      ([name, value]) =>
        object.kind === 'ConfigMap' &&
        SECRET_NAME.test(name) &&
        !/\.\w+$/.test(name) &&
        value !== '',
    )?.[0];
    return key === undefined ? isSecret : `${key} belongs into a secret`;
  }),
  eachContainer('no-secret-in-env', ({ node }) => {
    if (listAt(node, 'envFrom').some((from) => 'secretRef' in recordAt({ from }, 'from'))) {
      return 'a secret is mounted as files, not given as variables';
    }
    const bad = listAt(node, 'env').find((variable) => {
      const name = textAt(variable, 'name') ?? '';
      const isReference = Object.hasOwn(recordAt(variable, 'valueFrom'), 'secretKeyRef');
      return isReference || (SECRET_NAME.test(name) && !name.endsWith('_FILE'));
    });
    return (
      bad !== undefined && `${textAt(bad, 'name')} is mounted as a file, not given as a variable`
    );
  }),
];
