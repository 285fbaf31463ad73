import { expect } from 'vitest';

import { test } from '../../test/database.ts';
import { newJob, resetQueue } from '../../test/queue.ts';
import {
  endStaleProbes,
  listTripped,
  recordForBreaker,
  resetBreaker,
  startProbe,
} from './breakers.ts';
import type { Db } from './db.ts';
import { insertJobs } from './enqueue.ts';
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

test('a job that tries and says nothing frees its lane for another one to try', async ({ db }) => {
  await resetQueue(db);
  const [id = 0] = await insertJobs(db, [newJob()]);
  await db.query(sql`
    insert into breaker (repo_id, agent, failures, tripped_at) values (1, 3, 3, now() - interval '25 hours')
    on conflict (repo_id, agent) do update set tripped_at = excluded.tripped_at
  `);
  await startProbe(db, { id, repoId: 1, agent: 'builder' });
  const held = async () => db.query(sql`select hold from lane where repo_id = 1 and agent = 3`);

  await db.query(sql`update job set state = 1 where id = ${id}`);
  expect(await endStaleProbes(db)).toBe(0);
  expect(await held()).toEqual([{ hold: 'breaker' }]);
  await db.query(sql`update job set state = 2, wait_reason = 'retry' where id = ${id}`);

  expect(await endStaleProbes(db)).toBe(1);
  expect(await held()).toEqual([{ hold: null }]);
  expect(await listTripped(db, [{ repoId: 1, agent: 'builder' }])).toHaveLength(1);
});

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
