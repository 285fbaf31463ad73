import { expect } from 'vitest';

import { test } from '../../test/database.ts';
import { counterDrift } from '../../test/queue.ts';
import { getAttempt } from '../db/attempts.ts';
import { sql } from '../db/sql.ts';
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

  expect([job.waitReason, job.reason, job.attempts - job.uncounted]).toEqual([
    'budget',
    'budget',
    0,
  ]);
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

test('an agent that is gone from the file ends its job, one without its provider waits', async ({
  db,
}) => {
  await using s = await openRunnerFixture(db);
  await s.apply({ tester: { providers: [{ name: 'codex' }] } });
  const gone = await s.queue();
  const codex = await s.queue({ agent: 'tester' });
  s.start();

  const cancelled = await s.until(gone, 'cancelled', 'failed');
  const waiting = await s.until(codex, 'waiting', 'failed');

  expect(cancelled.detail).toBe('The agent builder is no longer listed in autodev.yaml.');
  expect([waiting.waitReason, waiting.detail]).toEqual([
    'provider',
    'No runner here has codex; it has command.',
  ]);
  expect(await counterDrift(db)).toBe(0);
});

test('a job that nothing can run is not looked at beyond its lifetime', async ({ db }) => {
  await using s = await openRunnerFixture(db);
  await s.apply({ builder: { providers: [{ name: 'codex' }], limits: { lifetimeMs: 1000 } } });
  const id = await s.queue();
  s.start();

  const job = await s.until(id, 'waiting', 'failed');

  expect([job.state, job.detail]).toEqual(['failed', 'No runner here has codex; it has command.']);
});

test('a schedule narrows its agent, and policy has the last word', async ({ db }) => {
  await using s = await openRunnerFixture(db);
  await s.apply(
    { builder: { worker: NOOP } },
    {
      schedules: {
        nightly: {
          agent: 'builder',
          enabled: true,
          cron: '0 2 * * *',
          timezone: 'UTC',
          with: { paths: ['docs/**'] },
          when: {},
          overlap: 'skip',
          missed: 'skip',
          jitterMs: 0,
        },
      },
    },
  );
  const id = await s.queue({ trigger: { kind: 'schedule', name: 'nightly', actor: 'autodev' } });
  s.start({ policy: ({ spec }) => ({ spec: { ...spec, mode: 'staged' } }) });

  await s.until(id, 'succeeded', 'failed');

  const { spec } = await getAttempt(db, { jobId: id, attempt: 1 });
  expect([spec.paths, spec.mode]).toEqual([['docs/**'], 'staged']);
});

test('three failures in a row hold the lane', async ({ db }) => {
  await using s = await openRunnerFixture(db);
  await s.apply({ builder: { worker: 'exit 1' } });
  const ids = [await s.queue(), await s.queue(), await s.queue()];
  s.start();

  await Promise.all(ids.map((id) => s.until(id, 'failed')));

  const holds = await db.query(sql`select kind, reason from lane_hold`);
  expect(holds).toEqual([{ kind: 'breaker', reason: '3 jobs in a row failed' }]);
});
