import { expect } from 'vitest';

import { test } from '../../test/database.ts';
import { newJob } from '../../test/queue.ts';
import { insertJobs } from './enqueue.ts';
import { setHold } from './holds.ts';
import { countLaneJobs, listStrandedJobs, lockStrandedJob } from './lane-jobs.ts';
import { listLanes, lockLanes, setLaneLimits, setRepoSlots } from './lanes.ts';
import { newRepo } from './repo-rows-fixture.ts';

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

  const answer = await listLanes(db, repoId);

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

  expect(await listLanes(db, repoId)).toEqual({ lanes: [], slots: 1 });
});

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
