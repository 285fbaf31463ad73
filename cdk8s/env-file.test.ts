import { expect, test } from 'vitest';

import { envText, ENVIRONMENTS, readText } from './checks/environment-fixture.ts';

const prod = envText('prod');
const DIGEST = `@sha256:${'0'.repeat(64)}`;

test.each(ENVIRONMENTS)('%s can be looked at, and says what still has to be filled in', (name) => {
  const { environment, diagnostics } = readText(envText(name));

  expect(environment).toBeDefined();
  expect(diagnostics.map(({ severity, path }) => `${severity} ${path}`)).toEqual([
    'warning aws.secrets_role',
    'warning images.app',
    'warning images.postgres',
    'warning images.redis',
    'warning images.qdrant',
    'warning gitlab.url',
    'warning oidc.issuer',
    'warning backup.public_key',
  ]);
});

test('nothing goes to a cluster with a placeholder', () => {
  const { environment, diagnostics } = readText(prod, { deploy: true });

  expect(environment).toBeUndefined();
  expect(diagnostics).toHaveLength(8);
  expect(diagnostics.every(({ severity, remedy }) => severity === 'error' && remedy !== '')).toBe(
    true,
  );
});

test('our image comes from the command line, wherever the file has another', () => {
  const image = `registry.gitlab.example.com/auto-dev/app@sha256:${'a'.repeat(64)}`;

  const { environment } = readText(prod, { image });

  expect(environment?.images.app).toBe(image);
});

/** What is changed in the file, where that is reported, and what is said to do. */
const REFUSED: readonly [
  what: string,
  from: string | RegExp,
  to: string,
  path: string,
  line: number,
  remedy: RegExp,
][] = [
  [
    'a host outside the domain',
    /auto-dev\.kaas\S+/,
    'auto-dev.example.com',
    'host',
    7,
    /choose one label/,
  ],
  [
    'a host of two labels',
    /auto-dev\.kaas\S+/,
    'a.b.kaas.nimbus.amgen.com',
    'host',
    7,
    /choose one label/,
  ],
  ['a missing host', /^host:.*\n/m, '', '', 5, /Add `host:.*Where to find it: choose one label/],
  [
    'a missing role',
    /^ {2}secrets_role:.*\n/m,
    '',
    'aws',
    10,
    /Add `secrets_role: .*Where to find it: `--checklist`/,
  ],
  [
    'the namespace default',
    'namespace: auto-dev',
    'namespace: default',
    'namespace',
    6,
    /never `default`/,
  ],
  ['an image by tag', `app${DIGEST}`, 'app:latest', 'images.app', 16, /by digest|APP_IMAGE/],
  ['our image by tag', `redis${DIGEST}`, 'redis:7', 'images.redis', 18, /digest/],
  [
    'an unknown key',
    'policy: policy.yaml',
    'policy: policy.yaml\nreplicas: 2',
    'replicas',
    24,
    /Known here/,
  ],
  [
    'a misspelt key',
    'slots: 4',
    'slot: 4',
    'components.agent-builder.slot',
    28,
    /Did you mean `slots`/,
  ],
  [
    'two replicas on a claim',
    'slots: 4',
    'slots: 4, replicas: 2',
    'components.agent-builder.replicas',
    28,
    /more `slots`/,
  ],
  [
    'two replicas of the orchestrator',
    'webhook: {',
    'orchestrator: {',
    'components.orchestrator.replicas',
    27,
    /Give it 1/,
  ],
  [
    'slots of what does no jobs',
    'dashboard: { replicas: 2 }',
    'dashboard: { slots: 2 }',
    'components.dashboard.slots',
    26,
    /only agents/,
  ],
  [
    'a plain secret',
    'policy: policy.yaml',
    'policy: policy.yaml\ngitlab_token: glpat-x',
    'gitlab_token',
    24,
    /Known here/,
  ],
  [
    'no sandbox',
    'policy: policy.yaml',
    'policy: policy.yaml\nsandbox: { mode: none }',
    'sandbox.mode',
    24,
    /one of these/,
  ],
  [
    'bubblewrap that cannot work',
    'policy: policy.yaml',
    'policy: policy.yaml\nsandbox: { mode: bubblewrap }',
    'sandbox.mode',
    24,
    /seccomp_profile/,
  ],
  [
    'a policy that is not there',
    'policy: policy.yaml',
    'policy: other.yaml',
    'policy',
    23,
    /examples\/policy\.yaml/,
  ],
  [
    'a certificate that is never used',
    'tls: { at: alb }',
    'tls: { at: alb, secret: cert }',
    'tls.secret',
    8,
    /at: nginx/,
  ],
  ['a private key', /PGP PUBLIC/g, 'PGP PRIVATE', 'backup.public_key', 31, /armored|gpg/],
  [
    'a quantity of memory without a unit',
    '2Gi',
    '2000',
    'components.agent-builder.memory_limit',
    28,
    /number|Quote|match/,
  ],
  [
    'a shared class that cannot be shared',
    'policy: policy.yaml',
    'policy: policy.yaml\nstorage: { shared: { class: gp3, size: 1Ti } }',
    'storage.shared.class',
    24,
    /EFS/,
  ],
  [
    'a key twice',
    'policy: policy.yaml',
    'policy: policy.yaml\npolicy: policy.yaml',
    'policy',
    24,
    /./,
  ],
];

test.each(REFUSED)(
  '%s is refused, with its place and what to do',
  (_, from, to, path, line, remedy) => {
    const text = prod.replaceAll(
      typeof from === 'string' ? from : new RegExp(from.source, 'gm'),
      to,
    );

    const { environment, diagnostics } = readText(text);

    const errors = diagnostics.filter(({ severity }) => severity === 'error');
    expect(environment).toBeUndefined();
    expect(errors.map((error) => `${error.path}:${error.line}`)).toContain(`${path}:${line}`);
    expect(errors.map((error) => error.remedy).join('\n')).toMatch(remedy);
  },
);

test('a policy with a mistake is told with the place in both files', () => {
  const broken = prod.replace('policy: policy.yaml', 'policy: prod.yaml');

  const { diagnostics } = readText(broken);

  const first = diagnostics.find(({ severity }) => severity === 'error');
  expect(first).toMatchObject({ path: 'policy', line: 23 });
  expect(first?.message).toMatch(/^prod\.yaml:\d+: /);
});
