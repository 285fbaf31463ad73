import { expect } from 'vitest';

import { test } from '../../test/database.ts';
import { resetQueue } from '../../test/queue.ts';
import { recordForBreaker, resetBreaker } from './breakers.ts';
import type { Db } from './db.ts';
import { sql } from './sql.ts';

const lane = { repoId: 1, agent: 'builder' } as const;
const now = new Date('2026-03-01T12:00:00Z');

const holds = (db: Db) => db.query(sql`select kind, reason, until from lane_hold`);
const record = (db: Db, event: 'failure' | 'no_progress' | 'progress'): Promise<boolean> =>
  db.transaction((tx) => recordForBreaker(tx, lane, event, now));

async function setup(db: Db): Promise<void> {
  await resetQueue(db);
  await db.query(sql`truncate breaker`);
}

test('the third failure in a row holds the lane for a day', async ({ db }) => {
  await setup(db);

  const tripped = [await record(db, 'failure'), await record(db, 'failure')];
  const third = await record(db, 'failure');

  expect([...tripped, third]).toEqual([false, false, true]);
  expect(await holds(db)).toEqual([
    {
      kind: 'breaker',
      reason: '3 jobs in a row failed',
      until: new Date('2026-03-02T12:00:00Z'),
    },
  ]);
});

test('progress forgets what went wrong, and a person may', async ({ db }) => {
  await setup(db);
  await record(db, 'no_progress');
  await record(db, 'no_progress');

  await record(db, 'progress');
  const afterProgress = await record(db, 'no_progress');
  await record(db, 'no_progress');
  const tripped = await record(db, 'no_progress');
  await db.transaction((tx) => resetBreaker(tx, lane));

  expect([afterProgress, tripped]).toEqual([false, true]);
  expect(await holds(db)).toEqual([]);
});
