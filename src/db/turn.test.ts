import { expect } from 'vitest';

import { test } from '../../test/database.ts';
import { counterDrift, endOf, newJob, newRunner, resetQueue } from '../../test/queue.ts';
import { AGENTS } from '../domain/agent.ts';
import type { Db } from './db.ts';
import { insertJobs } from './enqueue.ts';
import { getJob } from './job-rows.ts';
import { createLaneQuota, turn } from './turn.ts';

async function setup(db: Db, jobs = 1) {
  await resetQueue(db);
  const { runner, epoch } = await newRunner(db);
  const ids = await insertJobs(
    db,
    Array.from({ length: jobs }, () => newJob()),
  );
  const me = { runner, epoch, agents: AGENTS, lanes: 64 };
  const claim = async (n: number) => (await turn(db, { ...me, ends: [], claim: n })).claimed;
  return { me, ids, claim };
}

test('claims what is queued, oldest first within a priority, and says who has it', async ({
  db,
}) => {
  const { me, claim } = await setup(db, 3);
  const [urgent] = await insertJobs(db, [newJob({ priority: 10 })]);

  const claimed = await claim(2);

  expect(claimed.map((job) => job.id).sort((a, b) => a - b)).toEqual([1, urgent]);
  expect(claimed[0]).toMatchObject({
    state: 'running',
    attempts: 1,
    runner: me.runner,
    epoch: me.epoch,
    agent: 'builder',
    claimedAt: expect.any(Date),
  });
  expect(await counterDrift(db)).toBe(0);
});

test('ends jobs and claims the next in one statement', async ({ db }) => {
  const { me, claim } = await setup(db, 2);
  const [first] = await claim(1);

  const { accepted, claimed } = await turn(db, { ...me, ends: [endOf(first!)], claim: 1 });

  expect(accepted).toMatchObject([{ id: first?.id, state: 'succeeded', reason: 'succeeded' }]);
  expect(claimed).toHaveLength(1);
  expect(await getJob(db, first!.id)).toMatchObject({
    state: 'succeeded',
    runner: me.runner,
    endedAt: expect.any(Date),
  });
  expect(await counterDrift(db)).toBe(0);
});
