import { expect } from 'vitest';

import { test } from '../../test/database.ts';
import type { Spend } from '../domain/budget.ts';
import { grantedTo, insertGrant, takeFromGrants } from './budget-grants.ts';
import { lockWindows, raiseWindows, settleWindows } from './budgets.ts';
import type { Db } from './db.ts';
import { noteGrantUses } from './grant-uses.ts';
import { sql } from './sql.ts';

const RESERVED = { microUsd: 100, tokens: 0 };

/** A root job with two grants, 80 of which its attempt needs beyond one window and 30 beyond another. */
async function granted(db: Db) {
  const [row] = await db.query<{ id: number }>(sql`
    insert into budget_grant (job_id, micro_usd, actor) select max(coalesce(job_id, 0)) + 1, 50, 'ada'
    from (select job_id from budget_grant union all select 1000) g returning job_id as id
  `);
  const rootId = row?.id ?? 0;
  await insertGrant(db, { rootId, microUsd: 50, actor: 'ada' });
  const of = { jobId: rootId, attempt: 1 };
  const windows = await db.transaction(async (tx) => {
    const startsAt = new Date('2026-03-01T00:00:00Z');
    const endsAt = new Date('2026-03-02T00:00:00Z');
    const locked = await lockWindows(
      tx,
      ['day', 'month'].map((period) => ({
        scope: `grant:${rootId}`,
        unit: 'micro_usd',
        period: period === 'day' ? 'day' : 'month',
        startsAt,
        endsAt,
      })),
    );
    const ids = locked.map(({ id }) => id);
    const raises = ids.map((id, i) => ({ id, amount: i === 0 ? 80 : 30 }));
    await takeFromGrants(tx, rootId, { microUsd: 80, tokens: 0 });
    await raiseWindows(tx, raises);
    await noteGrantUses(tx, { ...of, rootId }, raises);
    return ids;
  });
  const settle = (spent: Spend): Promise<void> =>
    db.transaction((tx) => settleWindows(tx, [{ of, windows, reserved: RESERVED, spent }]));
  const raised = async (): Promise<number[]> => {
    const rows = await db.query<{ raised: number }>(
      sql`select raised from budget_window where scope = ${`grant:${rootId}`} order by id`,
    );
    return rows.map(({ raised: by }) => by);
  };
  const unused = async (): Promise<number> => (await grantedTo(db, rootId)).unused.microUsd;
  return { rootId, settle, raised, unused };
}

test.for([
  { spent: 0, raised: [0, 0], unused: 100 },
  { spent: 60, raised: [40, 0], unused: 60 },
  { spent: 90, raised: [70, 20], unused: 30 },
  { spent: 100, raised: [80, 30], unused: 20 },
  { spent: 130, raised: [80, 30], unused: 20 },
])(
  "of a grant that raised windows by 80 and 30, $spent of 100 being spent, the rest is the job's again",
  async ({ spent, raised, unused }, { db }) => {
    const job = await granted(db);

    await job.settle({ microUsd: spent, tokens: 0 });

    expect(await job.raised()).toEqual(raised);
    expect(await job.unused()).toBe(unused);
  },
);

test('what is given back is given back once, the newest grant first', async ({ db }) => {
  const job = await granted(db);

  await job.settle({ microUsd: 60, tokens: 0 });
  await job.settle({ microUsd: 0, tokens: 0 });

  expect(await job.unused()).toBe(60);
  const used = await db.query(
    sql`select used_micro_usd as used from budget_grant where job_id = ${job.rootId} order by id`,
  );
  expect(used).toEqual([{ used: 40 }, { used: 0 }]);
  expect(await db.query(sql`select 1 from grant_use where root_id = ${job.rootId}`)).toEqual([]);
});
