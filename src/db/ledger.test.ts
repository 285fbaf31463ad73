import { expect } from 'vitest';

import { test } from '../../test/database.ts';
import { spentBy, storeUsage, type UsageRow } from './ledger.ts';
import { sql } from './sql.ts';

const call = (values: Partial<UsageRow>): UsageRow => ({
  repoId: 1,
  jobId: 1,
  attempt: 1,
  request: 'r1',
  provider: 'codex',
  model: 'gpt-5.4',
  input: 100,
  cached: 1_000,
  cacheWrite: 10,
  output: 5,
  microUsd: 700,
  exact: true,
  at: new Date('2026-03-01T10:00:00Z'),
  ...values,
});

test('calls are booked in one batch, each with its kinds of tokens apart', async ({ db }) => {
  await storeUsage(db, [call({ jobId: 11 }), call({ jobId: 11, request: 'r2', output: 6 })]);

  const rows = await db.query(sql`select * from ledger where job_id = 11 order by request`);

  expect(rows).toMatchObject([
    { request: 'r1', input: 100, cached: 1_000, cache_writes: 10, output: 5, micro_usd: 700 },
    { request: 'r2', model: 'gpt-5.4', output: 6, exact: true, at: call({}).at },
  ]);
  expect(await spentBy(db, { jobId: 11, attempt: 1 })).toEqual({
    tokens: 231,
    microUsd: 1_400,
    exact: true,
  });
});

test('what a call was held for gives way to what it used; a repeated batch changes nothing', async ({
  db,
}) => {
  const held = call({ jobId: 12, input: 4_000, microUsd: 90_000, exact: false });
  const used = call({ jobId: 12 });

  await storeUsage(db, [held]);
  const whileRunning = await spentBy(db, { jobId: 12, attempt: 1 });
  await storeUsage(db, [used]);
  await storeUsage(db, [used]);

  expect(whileRunning).toMatchObject({ microUsd: 90_000, exact: false });
  expect(await spentBy(db, { jobId: 12, attempt: 1 })).toEqual({
    tokens: 115,
    microUsd: 700,
    exact: true,
  });
});

test('one call that is not exact makes the sum of its attempt not exact, and of no other', async ({
  db,
}) => {
  await storeUsage(db, [
    call({ jobId: 13 }),
    call({ jobId: 13, request: 'r2', exact: false }),
    call({ jobId: 13, attempt: 2 }),
  ]);

  expect((await spentBy(db, { jobId: 13, attempt: 1 })).exact).toBe(false);
  expect((await spentBy(db, { jobId: 13, attempt: 2 })).exact).toBe(true);
  expect(await spentBy(db, { jobId: 13, attempt: 3 })).toEqual({
    tokens: 0,
    microUsd: 0,
    exact: true,
  });
});

test('nothing to book is no query', async ({ db }) => {
  await expect(storeUsage(db, [])).resolves.toBeUndefined();
});
