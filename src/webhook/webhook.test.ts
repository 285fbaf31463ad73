import { createHmac } from 'node:crypto';

import { expect } from 'vitest';

import { test } from '../../test/database.ts';
import { sql } from '../db/sql.ts';
import { hookToken } from '../forge/hook-token.ts';
import { systemClock } from '../kernel/clock.ts';
import { createGuard } from './guard.ts';
import { payloads, SIGNING_KEY, SIGNING_TOKEN, webhookFixture } from './webhook-fixture.ts';

const SECRET = 'a-secret-of-some-length';

test('what happened to a thing is stored as where to look, and nothing of what was said', async ({
  db,
}) => {
  await using hooks = await webhookFixture(db);
  const repoId = await hooks.repo(15);

  const answers = [
    await hooks.send(payloads.issue()),
    await hooks.send(payloads.note()),
    await hooks.send(payloads.note({ on: 'MergeRequest', iid: 3, id: 9 })),
    await hooks.send(payloads.mergeRequest()),
    await hooks.send(payloads.pipeline()),
    await hooks.send(payloads.push({ ref: 'refs/tags/v1' })),
  ];

  expect(answers.map(({ statusCode, body }) => [statusCode, body])).toEqual(
    Array.from({ length: 6 }, () => [200, '']),
  );
  expect(await hooks.hints(repoId)).toEqual([
    'issue:23',
    'note:issue:17:1241',
    'note:merge_request:3:9',
    'merge_request:16',
    'pipeline:31',
    'ref:refs/tags/v1',
  ]);
  expect(await hooks.counts()).toEqual({ stored: 6 });
});

test('a push to the default branch makes the repository due, and to another one does not', async ({
  db,
}) => {
  await using hooks = await webhookFixture(db);
  const [main, other] = [await hooks.repo(15), await hooks.repo(16)];
  await db.query(sql`update repo_sync set next_at = now() + interval '1 hour', priority = 0`);

  await hooks.send(payloads.push({ project: 15 }));
  await hooks.send(payloads.push({ project: 16, ref: 'refs/heads/feature' }));

  const rows = await db.query<{ id: number; due: boolean; priority: number }>(
    sql`select repo_id as id, next_at <= now() as due, priority from repo_sync order by 1`,
  );
  expect(rows).toEqual([
    { id: main, due: true, priority: 1 },
    { id: other, due: false, priority: 0 },
  ]);
});

test('a push that is known already asks for no look', async ({ db }) => {
  await using hooks = await webhookFixture(db);
  await hooks.repo(15);
  const { after } = payloads.push();
  await db.query(sql`update repo_sync set next_at = now() + interval '1 hour', head = ${after}`);

  await hooks.send(payloads.push());

  expect(await db.query(sql`select 1 from repo_sync where next_at <= now()`)).toEqual([]);
});

test('the same delivery twice is one, by id, by idempotency key or by its body', async ({ db }) => {
  await using hooks = await webhookFixture(db, { secrets: () => ({ secret: SECRET }) });
  await hooks.repo(15);
  const token = { 'x-gitlab-token': hookToken(SECRET, '15'), 'webhook-id': '' };
  const byKey = { headers: { ...token, 'idempotency-key': 'f5e5f430-f57b-4e6e-9fac' } };

  await hooks.send(payloads.issue({ iid: 1 }), byKey);
  await hooks.send(payloads.issue({ iid: 2 }), byKey);
  await hooks.send(payloads.issue({ iid: 3 }), { headers: token });
  await hooks.send(payloads.issue({ iid: 3 }), { headers: token });
  await hooks.send(payloads.issue({ iid: 4 }), { headers: token });

  expect(await hooks.counts()).toEqual({ stored: 3, duplicate: 2 });
});

test('twice in one moment is also one', async ({ db }) => {
  await using hooks = await webhookFixture(db);
  const repoId = await hooks.repo(15);

  const sent = await Promise.all(
    Array.from({ length: 40 }, () => hooks.send(payloads.issue(), { id: 'one-delivery' })),
  );

  expect(sent.every(({ statusCode }) => statusCode === 200)).toBe(true);
  expect(await hooks.counts()).toEqual({ stored: 1, duplicate: 39 });
  expect(await hooks.hints(repoId)).toEqual(['issue:23']);
});

test('what nobody needs to know is answered as well, counted and not stored', async ({ db }) => {
  await using hooks = await webhookFixture(db);
  await hooks.repo(15);

  const answers = [
    await hooks.send({ object_kind: 'deployment', project: { id: 15 } }),
    await hooks.send({ event_name: 'user_add_to_group', group_id: 3 }),
    await hooks.send(payloads.note({ system: true })),
    await hooks.send(payloads.note({ action: 'update' })),
    await hooks.send({ ...payloads.issue(), event_type: 'confidential_issue' }),
    await hooks.send(payloads.pipeline({ status: 'running' })),
    await hooks.send(payloads.issue({ project: 99 })),
    await hooks.send({ ...payloads.issue(), object_attributes: { iid: '23' } }),
  ];

  expect(answers.map(({ statusCode }) => statusCode)).toEqual(Array(8).fill(200));
  expect(await hooks.counts()).toEqual({ uninteresting: 6, unknown_project: 1, malformed: 1 });
  expect(await db.query(sql`select 1 from hook_delivery`)).toEqual([]);
});

test.for([
  ['without a signature', { headers: { 'webhook-signature': '' } }, 'no_signature'],
  [
    'with the token instead',
    { headers: { 'webhook-signature': '', 'x-gitlab-token': SECRET } },
    'no_signature',
  ],
  ['signed with another key', { key: Buffer.alloc(32) }, 'bad_signature'],
  ['with a signature of an unknown kind', { signature: 'v2,AAAA' }, 'bad_signature'],
  ['of ten minutes ago', { at: new Date(systemClock.now().getTime() - 600_000) }, 'stale'],
  ['of the future', { at: new Date(systemClock.now().getTime() + 600_000) }, 'stale'],
] as const)('a delivery %s is refused', async ([, options, reason], { db }) => {
  await using hooks = await webhookFixture(db);
  const repoId = await hooks.repo(15);

  const { statusCode, body } = await hooks.send(payloads.issue(), options);

  expect([statusCode, body]).toEqual([401, `${reason}\n`]);
  expect(await hooks.counts()).toEqual({ [reason]: 1 });
  expect(await hooks.hints(repoId)).toEqual([]);
});

test('one good signature among several is enough, with the new key and with the old', async ({
  db,
}) => {
  const next = Buffer.from('fedcba9876543210fedcba9876543210');
  let signingToken = `whsec_${next.toString('base64')} ${SIGNING_TOKEN}`;
  await using hooks = await webhookFixture(db, { secrets: () => ({ signingToken }) });
  await hooks.repo(15);

  const withOld = await hooks.send(payloads.issue());
  const withNew = await hooks.send(payloads.issue(), { key: next });
  signingToken = `whsec_${next.toString('base64')}`;
  const late = await hooks.send(payloads.issue());
  signingToken = 'half a fi';
  const whileWritten = await hooks.send(payloads.issue(), { key: next });

  expect([withOld, withNew, late, whileWritten].map(({ statusCode }) => statusCode)).toEqual([
    200, 200, 401, 200,
  ]);
});

test('a changed body, id or time is not what was signed', async ({ db }) => {
  await using hooks = await webhookFixture(db);
  await hooks.repo(15);
  const at = String(Math.floor(systemClock.now().getTime() / 1000));
  const body = JSON.stringify(payloads.issue());
  const signature = `v1,${createHmac('sha256', SIGNING_KEY).update(`an-id-of-it.${at}.${body}`).digest('base64')}`;
  const headers = { 'webhook-id': 'an-id-of-it', 'webhook-timestamp': at };

  const same = await hooks.send(body, { signature, headers });
  const otherBody = await hooks.send(body.replace('23', '24'), { signature, headers });
  const otherId = await hooks.send(body, {
    signature,
    headers: { ...headers, 'webhook-id': 'another-id' },
  });
  const otherTime = await hooks.send(body, {
    signature,
    headers: { ...headers, 'webhook-timestamp': String(Number(at) - 1) },
  });

  expect([same, otherBody, otherId, otherTime].map(({ statusCode }) => statusCode)).toEqual([
    200, 401, 401, 401,
  ]);
});

test("a project's token speaks for that project alone", async ({ db }) => {
  await using hooks = await webhookFixture(db, { secrets: () => ({ secret: SECRET }) });
  await hooks.repo(15);
  await hooks.repo(16);
  const send = (token: string) =>
    hooks.send(payloads.issue({ project: 15 }), { headers: { 'x-gitlab-token': token } });

  const answers = [
    await send(hookToken(SECRET, '15')),
    await send(hookToken(SECRET, '16')),
    await send(hookToken('another-secret-as-long', '15')),
    await send(SECRET),
    await send(''),
    await send('autodev.15.'),
  ];

  expect(answers.map(({ statusCode, body }) => `${statusCode} ${body.trim()}`)).toEqual([
    '200 ',
    '401 bad_token',
    '401 bad_token',
    '401 bad_token',
    '401 no_token',
    '401 bad_token',
  ]);
});

test.each([
  ['nothing is set', {}, 'anybody could send events'],
  ['the token is none', { signingToken: 'secret' }, 'no signing token'],
  ['the secret is a word', { secret: 'hunter2' }, 'too short'],
])('nobody starts where %s', async (_name, secrets, message) => {
  expect(() => createGuard({ clock: systemClock }, () => secrets)).toThrow(
    expect.objectContaining({
      code: 'SETTINGS_INVALID',
      message: expect.stringContaining(message),
    }),
  );
});
