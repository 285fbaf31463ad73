import { expect } from 'vitest';

import { test } from '../../test/database.ts';
import {
  clearSetback,
  countFault,
  givenUp,
  isDueAgain,
  isFree,
  recordSetback,
  tryAgain,
} from './setbacks.ts';
import { sql } from './sql.ts';

const row = { sweep: 'event', rowId: 7 } as const;

test('a row that is set aside is tried again later, a bounded number of times', async ({ db }) => {
  const answers: boolean[] = [];
  const waits: number[] = [];

  for (let i = 0; i < 9; i += 1) {
    const { again } = await recordSetback(db, { ...row, error: 'inside' });
    answers.push(again);
    const [{ s } = { s: null }] = await db.query<{ s: number | null }>(
      sql`select extract(epoch from due_at - last_at)::int as s from setback where row_id = 7`,
    );
    waits.push(s ?? 0);
  }

  expect(answers).toEqual([...Array.from({ length: 7 }, () => true), false, false]);
  expect(waits).toEqual([4, 16, 64, 256, 1024, 3600, 3600, 0, 0]);
  expect(await db.query(sql`select total from fault where sweep = 'event'`)).toEqual([
    { total: 9 },
  ]);
});

test('a row is free while nothing is wrong with it, and when its time has come', async ({ db }) => {
  const seen = async () => {
    const [one] = await db.query<{ free: boolean; again: boolean }>(sql`
      select ${isFree('vote', sql`v.id`)} as free, ${isDueAgain('vote', sql`v.id`)} as again from (values (9)) v(id)
    `);
    return one;
  };

  expect(await seen()).toEqual({ free: true, again: false });
  await recordSetback(db, { sweep: 'vote', rowId: 9, error: 'inside' });
  expect(await seen()).toEqual({ free: false, again: false });
  await db.query(sql`update setback set due_at = now() where sweep = 'vote'`);
  expect(await seen()).toEqual({ free: true, again: true });
  await clearSetback(db, { sweep: 'vote', rowId: 9 });

  expect(await seen()).toEqual({ free: true, again: false });
  await countFault(db, 'effect');
  expect(await db.query(sql`select total from fault where sweep = 'effect'`)).toEqual([
    { total: 1 },
  ]);
});

test('a row that was given up is found, and tried again as often as at first', async ({ db }) => {
  await db.query(sql`truncate setback`);
  for (let i = 0; i < 8; i += 1) {
    await recordSetback(db, { ...row, error: 'TypeError: inside' });
  }
  await recordSetback(db, { sweep: 'vote', rowId: 1, error: 'passing' });

  const before = await givenUp(db);
  const none = await tryAgain(db, { sweep: 'vote', rowId: 999 });
  const one = await tryAgain(db, row);
  const all = await tryAgain(db);
  const { again } = await recordSetback(db, { ...row, error: 'still' });

  expect(before).toMatchObject({ count: 1, oldest: { ...row, error: 'TypeError: inside' } });
  expect([none, one]).toEqual([[], [row]]);
  expect(all).toHaveLength(2);
  expect(again).toBe(true);
  expect(await givenUp(db)).toBeUndefined();
});
