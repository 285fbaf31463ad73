import { expect } from 'vitest';

import { test } from '../../test/database.ts';
import { counterDrift } from '../../test/queue.ts';
import { getAttempt } from '../db/attempts.ts';
import { grantedTo, insertGrant } from '../db/budget-grants.ts';
import { pokeBudgetWaiters, raiseWindows } from '../db/budgets.ts';
import { promoteDue } from '../db/promote.ts';
import { sql } from '../db/sql.ts';
import type { BudgetAsk } from '../domain/budget-caps.ts';
import type { BudgetSpec } from '../domain/spec.ts';
import { openRunnerFixture } from './runner-fixture.ts';

const NOOP = `echo '{"type":"noop","reason":"Done."}' >> "$AUTODEV_OUTPUTS"`;
const budget = (microUsd: number, rest: Partial<BudgetSpec> = {}): Record<string, BudgetSpec> => ({
  daily: { scope: 'repo', per: 'day', microUsd, warn: 0.8, onExhausted: 'wait', ...rest },
});
const spends = [{ name: 'command' as const, run: ['/bin/sh', '.autodev/builder.sh'], llm: true }];

test('a job that fits reserves in its windows, and gives back what it did not spend', async ({
  db,
}) => {
  await using s = await openRunnerFixture(db);
  await s.apply(
    { builder: { worker: NOOP, providers: spends } },
    { budgets: budget(600_000, { tokens: 5000 }) },
  );
  const id = await s.queue();
  s.start();

  await s.until(id, 'succeeded', 'failed');

  const attempt = await getAttempt(db, { jobId: id, attempt: 1 });
  expect(attempt).toMatchObject({ reservedMicroUsd: 600_000, reservedTokens: 1000 });
  expect(attempt.windows).toHaveLength(2);
  const windows = await db.query(
    sql`select scope, unit, period, spent, reserved from budget_window order by unit`,
  );
  expect(windows).toEqual([
    { scope: `repo:${s.repo.id}`, unit: 'micro_usd', period: 'day', spent: 0, reserved: 0 },
    { scope: `repo:${s.repo.id}`, unit: 'tokens', period: 'day', spent: 0, reserved: 0 },
  ]);
});

test('a job that does not fit waits for the end of the window, as if it had not been claimed', async ({
  db,
}) => {
  await using s = await openRunnerFixture(db);
  await s.apply({ builder: { worker: NOOP, providers: spends } }, { budgets: budget(50_000) });
  const id = await s.queue();
  s.start();

  const job = await s.until(id, 'waiting', 'succeeded', 'failed');

  expect(job).toMatchObject({
    waitReason: 'budget',
    reason: 'budget',
    attempts: 0,
    uncounted: 0,
  });
  expect(job.detail).toBe('Budget daily has 0.05 of 0.05 USD left.');
  expect(job.wakeAt?.toISOString()).toMatch(/T00:00:00\.000Z$/);
  expect(await db.query(sql`select 1 from attempt`)).toEqual([]);
  expect(await counterDrift(db)).toBe(0);
});

test('a script that cannot spend waits for no budget', async ({ db }) => {
  await using s = await openRunnerFixture(db);
  await s.apply({ builder: { worker: NOOP } }, { budgets: budget(0) });
  const id = await s.queue();
  s.start();

  const job = await s.until(id, 'waiting', 'succeeded', 'failed');

  expect(job.state).toBe('succeeded');
  const attempt = await getAttempt(db, { jobId: id, attempt: 1 });
  expect(attempt).toMatchObject({ reservedMicroUsd: 0, reservedTokens: 0 });
});

test('a budget that asks opens one gate for its window, and the raise lets its jobs go on', async ({
  db,
}) => {
  await using s = await openRunnerFixture(db);
  await s.apply(
    { builder: { worker: NOOP, providers: spends } },
    { budgets: budget(50_000, { onExhausted: 'question' }) },
  );
  const ids = [await s.queue(), await s.queue()];
  s.start();

  const waiting = await Promise.all(ids.map((id) => s.until(id, 'waiting', 'failed')));
  const gates = await db.query<{ ask: BudgetAsk }>(
    sql`select kind, state, title, ask, rules from gate`,
  );

  expect(waiting.map(({ waitReason }) => waitReason)).toEqual(['budget', 'budget']);
  expect(waiting[0]?.detail).toBe(
    'Budget daily has 0.05 of 0.05 USD left. People are asked to raise it.',
  );
  expect(gates).toMatchObject([
    {
      kind: 'budget',
      state: 'open',
      title: 'Raise `daily` for the builder?',
      ask: { windows: [{ name: 'daily', unit: 'micro_usd', amount: 1_000_000 }] },
      rules: [{ name: 'default', rule: { gate: 'config', role: 'maintainer' } }],
    },
  ]);

  const asked = gates[0]?.ask.windows ?? [];
  await db.transaction(async (tx) => {
    await pokeBudgetWaiters(
      tx,
      asked.map(({ id }) => id),
    );
    await raiseWindows(tx, asked);
  });
  await promoteDue(db, 10);
  await s.until(ids[0] ?? 0, 'succeeded', 'failed');
  // The second waited for what the first held, and the first has left all of it.
  await promoteDue(db, 10);

  await s.until(ids[1] ?? 0, 'succeeded', 'failed');
  expect(await counterDrift(db)).toBe(0);
});

test('who was refused a raise is not asked again in that window', async ({ db }) => {
  await using s = await openRunnerFixture(db);
  await s.apply(
    { builder: { worker: NOOP, providers: spends } },
    { budgets: budget(50_000, { onExhausted: 'question' }) },
  );
  const first = await s.queue();
  s.start();
  await s.until(first, 'waiting');
  await db.query(sql`update gate set state = 'rejected'`);

  const job = await s.until(await s.queue(), 'waiting', 'failed');

  expect([job.waitReason, job.detail]).toEqual([
    'budget',
    'Budget daily has 0.05 of 0.05 USD left.',
  ]);
  expect(await db.query(sql`select 1 from gate`)).toHaveLength(1);
});

test('a grant lets its job go beyond the window, and what it did not spend is no room for others', async ({
  db,
}) => {
  await using s = await openRunnerFixture(db);
  await s.apply(
    { builder: { worker: NOOP, providers: spends } },
    { budgets: budget(50_000, { onExhausted: 'fail' }) },
  );
  const other = await s.queue();
  const granted = await s.queue();
  await insertGrant(db, { rootId: granted, microUsd: 500_000, actor: 'ada' });
  s.start();

  const ends = await Promise.all([other, granted].map((id) => s.until(id, 'succeeded', 'failed')));

  expect(ends.map(({ state }) => state)).toEqual(['failed', 'succeeded']);
  const attempt = await getAttempt(db, { jobId: granted, attempt: 1 });
  expect(attempt.reservedMicroUsd).toBe(550_000);
  expect(await db.query(sql`select raised, reserved from budget_window`)).toEqual([
    { raised: 0, reserved: 0 },
  ]);
  expect(await grantedTo(db, granted)).toMatchObject({ unused: { microUsd: 500_000 } });
});

test('what running jobs hold is nobody to be asked about, and serves who waits when they end', async ({
  db,
}) => {
  await using s = await openRunnerFixture(db);
  await s.apply(
    { builder: { worker: `sleep 0.5; ${NOOP}`, providers: spends } },
    { budgets: budget(1_000_000, { onExhausted: 'question' }) },
  );
  const ids = [await s.queue(), await s.queue()];
  s.start();

  const waiting = await s.until(ids[1] ?? 0, 'waiting', 'succeeded', 'failed');
  await s.until(ids[0] ?? 0, 'succeeded', 'failed');
  await promoteDue(db, 10);
  const job = await s.until(ids[1] ?? 0, 'succeeded', 'failed');

  expect([waiting.state, waiting.detail]).toEqual([
    'waiting',
    'Budget daily has 0.00 of 1.00 USD left; running jobs hold a part.',
  ]);
  expect(job.state).toBe('succeeded');
  expect(await db.query(sql`select 1 from gate`)).toEqual([]);
});

test('a chain that has spent what its root may spend asks people', async ({ db }) => {
  await using s = await openRunnerFixture(db);
  await s.apply({
    builder: { worker: NOOP, providers: spends, limits: { jobMicroUsd: 1_000_000 } },
    tester: { worker: NOOP, providers: spends },
  });
  const root = await s.queue({ agent: 'tester' });
  s.start();
  await s.until(root, 'succeeded', 'failed');
  // What the tester has spent counts for the builder, although the tester has no such limit.
  await db.query(sql`update budget_window set spent = 950_000 where scope = ${`root:${root}`}`);

  const job = await s.until(await s.queue({ rootId: root }), 'waiting', 'failed', 'succeeded');

  expect([job.state, job.waitReason, job.wakeAt]).toEqual(['waiting', 'budget', null]);
  expect(await db.query(sql`select kind, ask -> 'windows' as windows from gate`)).toMatchObject([
    { kind: 'budget', windows: [{ name: 'limits.job', amount: 1_000_000 }] },
  ]);
});

test('jobs of one claim share what is left of a budget', async ({ db }) => {
  await using s = await openRunnerFixture(db);
  await s.apply(
    { builder: { worker: `sleep 0.5; ${NOOP}`, providers: spends, limits: { microUsd: 400_000 } } },
    { budgets: budget(1_000_000) },
  );
  const ids = [await s.queue(), await s.queue(), await s.queue(), await s.queue()];
  s.start();

  const jobs = await Promise.all(ids.map((id) => s.until(id, 'waiting', 'succeeded', 'failed')));

  const reserved = await db.query<{ amount: number }>(
    sql`select reserved_micro_usd as amount from attempt order by job_id`,
  );
  expect(reserved.map(({ amount }) => amount)).toEqual([400_000, 400_000, 200_000]);
  expect(jobs.map(({ state }) => state).toSorted()).toEqual([
    'succeeded',
    'succeeded',
    'succeeded',
    'waiting',
  ]);
});
