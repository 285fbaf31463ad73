import { expect } from 'vitest';

import { test } from '../../test/database.ts';
import { counterDrift, newRunner } from '../../test/queue.ts';
import { raiseWindows } from '../db/budgets.ts';
import { getJob } from '../db/job-rows.ts';
import { promoteDue } from '../db/promote.ts';
import { sql } from '../db/sql.ts';
import type { BudgetSpec } from '../domain/spec.ts';
import { claimJobs } from './claim.ts';
import { openRunnerFixture } from './runner-fixture.ts';

const daily: BudgetSpec = {
  scope: 'repo',
  per: 'day',
  microUsd: 50_000,
  warn: 0.8,
  onExhausted: 'wait',
};
const spends = [{ name: 'command' as const, run: ['/bin/sh', '.autodev/builder.sh'], llm: true }];

test('however often a job waits at its claim, its first attempt is the first', async ({ db }) => {
  await using s = await openRunnerFixture(db);
  await s.apply({ builder: { providers: spends } }, { budgets: { daily } });
  const id = await s.queue();
  const { runner, epoch } = await newRunner(db, 'waits');
  const claim = () =>
    claimJobs(
      { ...s.deps, sandboxed: true },
      { id: runner, epoch },
      { agents: ['builder'], claim: 5, lanes: 8 },
    );

  for (let round = 0; round < 12; round += 1) {
    await claim();
    await db.query(sql`update job set wake_at = now()`);
    await promoteDue(db, 10);
  }
  const waited = await getJob(db, id);
  await raiseWindows(db, [{ id: 1, amount: 1_000_000 }]);
  const { attempts } = await claim();

  expect(waited).toMatchObject({ state: 'queued', attempts: 0, uncounted: 0 });
  expect(attempts).toMatchObject([{ attempt: { jobId: id, attempt: 1 } }]);
  expect(await counterDrift(db)).toBe(0);
});

test('neither does a job count that no runner here has a provider for', async ({ db }) => {
  await using s = await openRunnerFixture(db);
  await s.apply({ builder: { providers: [{ name: 'codex' }] } });
  const id = await s.queue();
  s.start();

  const job = await s.until(id, 'waiting', 'failed');

  expect(job).toMatchObject({ waitReason: 'provider', attempts: 0, uncounted: 0 });
});
