import { expect } from 'vitest';

import { test } from '../../test/database.ts';
import { counterDrift } from '../../test/queue.ts';
import { listOpenAttempts } from '../db/attempts.ts';
import { recountCounters } from '../db/counters.ts';
import { ensurePartitions } from '../db/partitions.ts';
import { sql } from '../db/sql.ts';
import { orchestratorFixture } from './orchestrator-fixture.ts';
import { reapDeadRunners } from './reaper.ts';
import { createPromoter } from './upkeep.ts';

test("a dead runner's job goes on, and after its last attempt fails as lost", async ({ db }) => {
  using fixture = await orchestratorFixture(db);
  const jobId = await fixture.enqueue();
  await fixture.claim(jobId);
  expect(await reapDeadRunners(fixture.deps)).toBe(0);
  await db.query(sql`update runner set lease_until = now() - interval '1 minute'`);

  expect(await reapDeadRunners(fixture.deps)).toBe(1);

  expect(await fixture.job(jobId)).toMatchObject({
    state: 'waiting',
    waitReason: 'retry',
    reason: 'lost',
    attempts: 1,
  });
  expect(await listOpenAttempts(db, 1)).toEqual([]);
  expect(await reapDeadRunners(fixture.deps)).toBe(0);

  await db.query(
    sql`update runner set lease_until = now() + interval '1 minute', state = 'active'`,
  );
  await db.query(sql`update job set wake_at = now()`);
  const stop = new AbortController();
  const promoter = createPromoter(fixture.deps)(stop.signal);
  await expect
    .poll(async () => (await fixture.job(jobId)).state, { timeout: 10_000 })
    .toBe('queued');
  stop.abort();
  await promoter;
  await fixture.claim(jobId);
  await db.query(sql`update runner set lease_until = now() - interval '1 minute'`);
  await reapDeadRunners(fixture.deps);

  expect(await fixture.job(jobId)).toMatchObject({ state: 'failed', reason: 'lost', attempts: 2 });
  expect(await counterDrift(db)).toBe(0);
});

test('counters that drifted are mended', async ({ db }) => {
  using fixture = await orchestratorFixture(db);
  await fixture.enqueue();
  await db.query(sql`update lane set ready = 7 where agent = 3`);

  expect(await recountCounters(db)).toBe(1);

  expect(await counterDrift(db)).toBe(0);
});

test('partitions are made ahead of the ids, once', async ({ db }) => {
  await using stack = new AsyncDisposableStack();
  stack.use(await orchestratorFixture(db));
  await db.query(sql`select setval('job_id_seq', 999999)`);

  expect(await ensurePartitions(db)).toBe(9);
  expect(await ensurePartitions(db)).toBe(0);
});
