import { expect } from 'vitest';

import { openPool, test } from '../../test/database.ts';
import type { WindowKey } from '../domain/budget-caps.ts';
import { grantedTo, insertGrant, takeFromGrants } from './budget-grants.ts';
import { holdInWindows, lockWindows, raiseWindows, settleWindows } from './budgets.ts';
import type { Queryable } from './db.ts';
import { sql } from './sql.ts';

const day = new Date('2026-03-01T00:00:00Z');
const key = (scope: string, unit: WindowKey['unit'] = 'micro_usd'): WindowKey => ({
  scope,
  unit,
  period: 'day',
  startsAt: day,
  endsAt: new Date('2026-03-02T00:00:00Z'),
});

const windowsOf = (db: Queryable, scope: string) =>
  db.query<{ unit: string; spent: number; reserved: number }>(
    sql`select unit, spent, reserved from budget_window where scope = ${scope} order by unit`,
  );

test('a window is made once, and found with what is spent and held', async ({ db }) => {
  const keys = [key('repo:1'), key('repo:1'), key('repo:1', 'tokens')];
  const first = await db.transaction(async (tx) => {
    const windows = await lockWindows(tx, keys);
    await holdInWindows(
      tx,
      windows.flatMap(({ id }) => [
        { id, amount: 30 },
        { id, amount: 20 },
      ]),
    );
    return windows;
  });

  const again = await db.transaction((tx) => lockWindows(tx, keys));

  expect(first).toHaveLength(2);
  expect(again.map(({ id, reserved }) => [id, reserved])).toEqual(first.map(({ id }) => [id, 50]));
  expect(again[0]).toMatchObject(key('repo:1'));
});

test('a settlement releases what was held and books what was spent, each in its unit', async ({
  db,
}) => {
  const windows = await db.transaction(async (tx) => {
    const locked = await lockWindows(tx, [key('repo:2'), key('repo:2', 'tokens')]);
    await holdInWindows(
      tx,
      locked.map(({ id, unit }) => ({ id, amount: unit === 'tokens' ? 900 : 70 })),
    );
    return locked.map(({ id }) => id);
  });

  await db.transaction((tx) =>
    settleWindows(tx, [
      {
        of: { jobId: 1, attempt: 1 },
        windows,
        reserved: { microUsd: 70, tokens: 900 },
        spent: { microUsd: 80, tokens: 500 },
      },
    ]),
  );

  expect(await windowsOf(db, 'repo:2')).toEqual([
    { unit: 'micro_usd', spent: 80, reserved: 0 },
    { unit: 'tokens', spent: 500, reserved: 0 },
  ]);
});

test('rivals that want the same windows in any order wait for each other and never in a circle', async ({
  db,
  connection,
}) => {
  await using rival = await openPool(connection);
  const keys = Array.from({ length: 6 }, (_, n) => key(`rival:${n}`));

  const rounds = Array.from({ length: 40 }, (_, n) =>
    (n % 2 === 0 ? db : rival).transaction(async (tx) => {
      const mine = keys.slice(n % 3, 3 + (n % 4));
      const windows = await lockWindows(tx, n % 2 === 0 ? mine : mine.toReversed());
      await holdInWindows(
        tx,
        windows.map(({ id }) => ({ id, amount: 1 })),
      );
      return windows.length;
    }),
  );
  const held = (await Promise.all(rounds)).reduce((sum, n) => sum + n, 0);

  const [row] = await db.query<{ reserved: number }>(
    sql`select sum(reserved)::int as reserved from budget_window where scope like 'rival:%'`,
  );
  expect(row?.reserved).toBe(held);
});

test('grants of people add up, for one root job', async ({ db }) => {
  await db.query(sql`
    insert into budget_grant (job_id, micro_usd, tokens, actor)
    values (77, 100, 0, 'ada'), (77, 50, 10, 'ada'), (78, 1, 1, 'ada')
  `);

  const all = { microUsd: 150, tokens: 10 };
  expect(await grantedTo(db, 77)).toEqual({ total: all, unused: all });
  expect(await grantedTo(db, 79)).toEqual({
    total: { microUsd: 0, tokens: 0 },
    unused: { microUsd: 0, tokens: 0 },
  });
});

test('a grant is used once, the oldest first', async ({ db }) => {
  await insertGrant(db, { rootId: 80, microUsd: 100, actor: 'ada' });
  await insertGrant(db, { rootId: 80, microUsd: 50, actor: 'ada', reason: 'More.' });

  await takeFromGrants(db, 80, { microUsd: 60, tokens: 0 });
  await takeFromGrants(db, 80, { microUsd: 70, tokens: 0 });

  expect(await grantedTo(db, 80)).toMatchObject({
    total: { microUsd: 150 },
    unused: { microUsd: 20 },
  });
  const used = await db.query(
    sql`select used_micro_usd as used from budget_grant where job_id = 80 order by id`,
  );
  expect(used).toEqual([{ used: 100 }, { used: 30 }]);
});

test('people raise a window, and what it has spent stays', async ({ db }) => {
  const [window] = await db.transaction((tx) => lockWindows(tx, [key('repo:9')]));
  const id = window?.id ?? 0;

  await raiseWindows(db, [
    { id, amount: 5 },
    { id, amount: 7 },
  ]);

  const [again] = await db.transaction((tx) => lockWindows(tx, [key('repo:9')]));
  expect(again).toMatchObject({ raised: 12, spent: 0 });
});
