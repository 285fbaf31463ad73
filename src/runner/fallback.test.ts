import { expect } from 'vitest';

import { test } from '../../test/database.ts';
import { failureReply } from '../../test/llm/scenarios.ts';
import { promoteDue } from '../db/promote.ts';
import { sql } from '../db/sql.ts';
import { KEYS } from './gateway-fixture.ts';
import { ENOUGH, openModels, working } from './model-fixture.ts';
import { openRunnerFixture } from './runner-fixture.ts';

const BOTH = {
  providers: [{ name: 'codex' as const }, { name: 'claude' as const }],
  limits: ENOUGH,
};

test('a rate limit moves the job to the next provider at once, with a brief, and spends no attempt', async ({
  db,
}) => {
  await using s = await openRunnerFixture(db);
  const work = working('echo two >> src/add.txt; echo half done');
  await using models = await openModels(s, (request) => {
    const isSecond = JSON.stringify(request.body).includes('half done');
    return request.api === 'responses' && isSecond
      ? failureReply('usage limit', 'responses', s.deps.clock.now().getTime())
      : work(request);
  });
  await s.apply({ builder: BOTH });
  const id = await s.queue();

  s.start(models.deps);
  const job = await s.until(id, 'publishing', 'failed');

  expect(job).toMatchObject({ state: 'publishing', attempts: 2, uncounted: 1 });
  const attempts = await db.query<{ provider: string; reason: string; gapMs: number }>(sql`
    select provider, reason, (extract(epoch from started_at - lag(ended_at) over (order by attempt)) * 1000)::int as "gapMs"
    from attempt where job_id = ${id} order by attempt
  `);
  expect(attempts.map(({ provider, reason }) => [provider, reason])).toEqual([
    ['codex', 'rate_limited'],
    ['claude', 'succeeded'],
  ]);
  // A fraction of a second on an idle machine; waiting for its turn would take longer than this on any.
  expect(attempts[1]?.gapMs).toBeLessThan(10_000);
  const told = models.standIn.requests.find(({ api }) => api === 'messages');
  expect(JSON.stringify(told?.body)).toMatch(/usage limit is reached.*\| \+two/);
  expect(await s.transcript(id)).toContain('claude takes over: codex cannot be asked now.');
  expect(await db.query(sql`select name, state from credential order by name`)).toEqual([
    { name: KEYS.claude.credential, state: 'ok' },
    { name: KEYS.codex.credential, state: 'exhausted' },
  ]);

  const next = await s.queue({ title: 'Another' });
  await s.until(next, 'publishing', 'failed');

  expect(await db.query(sql`select provider from attempt where job_id = ${next}`)).toEqual([
    { provider: 'claude' },
  ]);
});

test('when all cool down the job waits for the first to be free, and then goes on', async ({
  db,
}) => {
  await using s = await openRunnerFixture(db);
  let limited = true;
  await using models = await openModels(s, (request) =>
    limited
      ? failureReply('rate limit', request.api, s.deps.clock.now().getTime())
      : working('echo two >> src/add.txt')(request),
  );
  await s.apply({ builder: BOTH });
  const id = await s.queue();
  s.start(models.deps);

  const job = await s.until(id, 'waiting', 'failed');

  expect(job).toMatchObject({
    waitReason: 'cooldown',
    reason: 'rate_limited',
    attempts: 2,
    uncounted: 2,
  });
  const [{ until } = { until: null }] = await db.query<{ until: Date }>(
    sql`select min(until) as until from credential`,
  );
  const spreadMs = (job.wakeAt?.getTime() ?? 0) - (until?.getTime() ?? 0);
  expect(spreadMs).toBeGreaterThanOrEqual(0);
  expect(spreadMs).toBeLessThan(1000);

  limited = false;
  await db.query(sql`update credential set until = now()`);
  await db.query(sql`update job set wake_at = now() where id = ${id}`);
  await promoteDue(db, 10);

  expect(await s.until(id, 'publishing', 'failed')).toMatchObject({ attempts: 3, uncounted: 2 });
});

test('an agent that is never downgraded waits for its first provider', async ({ db }) => {
  await using s = await openRunnerFixture(db);
  await using models = await openModels(s, ({ api }) =>
    failureReply('usage limit', api, s.deps.clock.now().getTime()),
  );
  await s.apply({ builder: { ...BOTH, neverDowngrade: true } });
  const id = await s.queue();
  s.start(models.deps);

  const job = await s.until(id, 'waiting', 'failed');

  expect(job).toMatchObject({ waitReason: 'cooldown', attempts: 1, uncounted: 1 });
  expect(models.standIn.requests.map(({ api }) => api)).not.toContain('messages');
});

test('a job waits for providers ten times at most', async ({ db }) => {
  await using s = await openRunnerFixture(db);
  await using models = await openModels(s, () => ({ kind: 'text' }));
  await s.apply({ builder: BOTH });
  for (const { credential: name } of Object.values(KEYS)) {
    await db.query(sql`
      insert into credential (name, state, until) values (${name}, 'throttled', now() + interval '1 hour')
    `);
  }
  const patient = await s.queue({ dedupeKey: 'patient' });
  const tired = await s.queue({ dedupeKey: 'tired' });
  await db.query(sql`update job set attempts = 10, uncounted = 10 where id = ${tired}`);

  s.start(models.deps);

  expect(await s.until(patient, 'waiting', 'failed')).toMatchObject({ waitReason: 'cooldown' });
  expect(await s.until(tired, 'waiting', 'failed')).toMatchObject({
    state: 'failed',
    reason: 'rate_limited',
  });
  expect(models.standIn.requests).toEqual([]);
});

test('a refused key moves the job on, and where there is no other it waits for people', async ({
  db,
}) => {
  await using s = await openRunnerFixture(db);
  await using models = await openModels(s, (request) =>
    request.api === 'responses'
      ? failureReply('refused key', 'responses', 0)
      : working('echo two >> src/add.txt')(request),
  );
  await s.apply({ builder: BOTH, tester: { ...BOTH, providers: [{ name: 'codex' }] } });
  const moved = await s.queue();
  s.start(models.deps);
  await s.until(moved, 'publishing', 'failed');

  const stuck = await s.queue({ agent: 'tester' });

  expect(await s.until(stuck, 'waiting', 'failed')).toMatchObject({
    waitReason: 'provider',
    reason: 'provider_auth',
    detail: 'The credential of codex was refused.',
  });
});
