import { expect } from 'vitest';

import { test } from '../../test/database.ts';
import { newJob } from '../../test/queue.ts';
import { pause } from './controls.ts';
import type { Db, Queryable } from './db.ts';
import { insertJobs } from './enqueue.ts';
import { setHold, syncPauses } from './holds.ts';
import { countLaneJobs, listStrandedJobs, lockStrandedJob } from './lane-jobs.ts';
import type { LaneRow } from './lanes.ts';
import { laneRows, lockLanes, setLaneLimits, setRepoSlots, toLanes } from './lanes.ts';
import { newRepo } from './repo-rows-fixture.ts';
import { sql } from './sql.ts';

const lanesOf = async (db: Db, repoId: number) =>
  toLanes(await db.query<LaneRow>(laneRows(repoId)));

test('lanes are made with their limits, and only those that differ are touched', async ({ db }) => {
  const { id: repoId } = await newRepo(db);
  await setLaneLimits(db, repoId, [
    { agent: 'tester', maxRunning: 1 },
    { agent: 'builder', maxRunning: 2 },
  ]);
  await setLaneLimits(db, repoId, [{ agent: 'tester', maxRunning: 3 }]);
  await setRepoSlots(db, repoId, 5);
  await setHold(db, { repoId, agent: 'tester', kind: 'disabled', reason: 'Off.' });
  await setHold(db, { repoId, agent: 'tester', kind: 'paused', reason: 'Friday.' });

  const answer = await lanesOf(db, repoId);

  expect(answer).toEqual({
    lanes: [
      { agent: 'builder', maxRunning: 2, holds: {} },
      { agent: 'tester', maxRunning: 3, holds: { disabled: 'Off.' } },
    ],
    slots: 5,
  });
  await expect(db.transaction((tx) => lockLanes(tx, repoId))).resolves.toBeUndefined();
});

test('a repository without lanes has its slots', async ({ db }) => {
  const { id: repoId } = await newRepo(db);

  expect(await lanesOf(db, repoId)).toEqual({ lanes: [], slots: 1 });
});

/** Whether somebody waits for the lock that pauses and new lanes share. */
const isWaiting = async (db: Db): Promise<boolean> => {
  const rows = await db.query(
    sql`select 1 from pg_locks where locktype = 'advisory' and not granted`,
  );
  return rows.length > 0;
};

test.for(['the pause', 'the lane'] as const)(
  'a lane that is made while a pause commits is paused, when %s comes first',
  async (first, { db }) => {
    const { id: repoId } = await newRepo(db);
    const stop = async (tx: Queryable): Promise<void> => {
      await pause(tx, { scope: { repoId }, actor: 'ada', reason: 'Stop.' });
    };
    const make = async (tx: Queryable): Promise<void> => {
      await lockLanes(tx, repoId);
      await setLaneLimits(tx, repoId, [{ agent: 'tester', maxRunning: 1 }]);
      await syncPauses(tx, { repoId });
    };
    const [one, other] = first === 'the pause' ? [stop, make] : [make, stop];
    let second: Promise<void> | undefined;
    let isDone = false;

    await db.transaction(async (tx) => {
      await one(tx);
      second = db.transaction(other).finally(() => (isDone = true));
      await expect.poll(async () => isDone || (await isWaiting(db))).toBe(true);
    });
    await second;

    expect(await db.query(sql`select hold from lane where repo_id = ${repoId}`)).toEqual([
      { hold: 'paused' },
    ]);
  },
);

test('jobs of a removed agent are stranded, those of a disabled one wait', async ({ db }) => {
  const { id: repoId } = await newRepo(db);
  await setLaneLimits(db, repoId, [
    { agent: 'tester', maxRunning: 1 },
    { agent: 'builder', maxRunning: 1 },
  ]);
  const [gone = 0, off = 0] = await insertJobs(db, [
    newJob({ repoId, agent: 'tester' }),
    newJob({ repoId, agent: 'builder' }),
  ]);
  await setHold(db, { repoId, agent: 'tester', kind: 'removed', reason: 'Gone.' });
  await setHold(db, { repoId, agent: 'builder', kind: 'disabled', reason: 'Off.' });

  expect(await listStrandedJobs(db, 10)).toEqual([{ id: gone, reason: 'Gone.' }]);
  expect(await db.transaction((tx) => lockStrandedJob(tx, gone))).toBe(true);
  expect(await db.transaction((tx) => lockStrandedJob(tx, off))).toBe(false);
  expect(await countLaneJobs(db, repoId)).toEqual([
    { agent: 'builder', pending: 1, running: 0 },
    { agent: 'tester', pending: 1, running: 0 },
  ]);
});
