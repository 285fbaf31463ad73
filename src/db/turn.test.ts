import { expect } from 'vitest';

import { test } from '../../test/database.ts';
import { counterDrift, endOf, newJob, newRunner, resetQueue } from '../../test/queue.ts';
import { AGENTS } from '../domain/agent.ts';
import type { Db } from './db.ts';
import { insertJobs } from './enqueue.ts';
import type { JobRow } from './job-rows.ts';
import { getJob } from './job-rows.ts';
import { leaveRunner } from './runners.ts';
import { sql } from './sql.ts';
import { createLaneQuota, turn } from './turn.ts';

async function setup(db: Db, jobs = 1, lanes: Parameters<typeof resetQueue>[1] = {}) {
  await resetQueue(db, lanes);
  const me = { ...(await newRunner(db)), agents: AGENTS, lanes: 64 };
  await insertJobs(
    db,
    Array.from({ length: jobs }, () => newJob()),
  );
  const claim = async (n: number) => (await turn(db, { ...me, ends: [], claim: n })).claimed;
  return { me, claim };
}

test('claims the most urgent first, then the oldest, and says who has it', async ({ db }) => {
  const { me, claim } = await setup(db, 3);
  await insertJobs(db, [newJob({ priority: 10 })]);

  const claimed = await claim(2);

  expect(idsOf(claimed)).toEqual([1, 4]);
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
  const first = one(await claim(1));

  const { accepted, claimed } = await turn(db, { ...me, ends: [endOf(first)], claim: 1 });

  expect(accepted).toMatchObject([{ id: first.id, state: 'succeeded', reason: 'succeeded' }]);
  expect(claimed).toHaveLength(1);
  expect(await getJob(db, first.id)).toMatchObject({
    title: first.title,
    trigger: first.trigger,
    state: 'succeeded',
    runner: me.runner,
    endedAt: expect.any(Date),
  });
  expect(await counterDrift(db)).toBe(0);
});

test('a job goes where its end says: back to the queue, waiting, publishing or final', async ({
  db,
}) => {
  const { me, claim } = await setup(db, 4);
  const [retry, wait, publish, fail] = await claim(4);
  const wakeAt = new Date('2030-01-01T00:00:00Z');

  await turn(db, {
    ...me,
    claim: 0,
    ends: [
      endOf(retry!, { state: 'queued', reason: 'sandbox', uncounted: true }),
      endOf(wait!, { state: 'waiting', reason: 'rate_limited', waitReason: 'cooldown', wakeAt }),
      endOf(publish!, { state: 'publishing' }),
      endOf(fail!, { state: 'failed', reason: 'loop', detail: 'It asked the same thing again.' }),
    ],
  });

  expect(await getJob(db, retry!.id)).toMatchObject({ state: 'queued', attempts: 1, uncounted: 1 });
  expect(await getJob(db, wait!.id)).toMatchObject({
    state: 'waiting',
    waitReason: 'cooldown',
    wakeAt,
    runner: null,
  });
  expect(await getJob(db, publish!.id)).toMatchObject({ state: 'publishing', endedAt: null });
  expect(await getJob(db, fail!.id)).toMatchObject({
    state: 'failed',
    reason: 'loop',
    detail: 'It asked the same thing again.',
  });
  expect(await counterDrift(db)).toBe(0);
});

test('the happy path writes no history; a job that comes back does, with its claim', async ({
  db,
}) => {
  const { me, claim } = await setup(db, 2);
  const [good, bad] = await claim(2);

  await turn(db, {
    ...me,
    claim: 0,
    ends: [endOf(good!), endOf(bad!, { state: 'queued', reason: 'crashed' })],
  });

  const events = await db.query(
    sql`select job_id, from_state, to_state, attempt, runner, epoch, claimed_at, reason from job_event`,
  );
  expect(events).toEqual([
    {
      job_id: bad!.id,
      from_state: 1,
      to_state: 0,
      attempt: 1,
      runner: me.runner,
      epoch: me.epoch,
      claimed_at: bad!.claimedAt,
      reason: 'crashed',
    },
  ]);
});

test('an end with a foreign or old fence changes nothing', async ({ db }) => {
  const { me, claim } = await setup(db);
  const job = one(await claim(1));
  const other = await newRunner(db, 'other');
  const nothing = { accepted: [], claimed: [] };

  const end = (fence: object, of: object = {}) =>
    turn(db, { ...me, ...fence, ends: [endOf(job, of)], claim: 0 });

  expect(await end({ epoch: me.epoch + 1 })).toEqual(nothing);
  expect(await end({ epoch: me.epoch - 1 })).toEqual(nothing);
  expect(await end({ runner: other.runner })).toEqual(nothing);
  expect(await end({}, { attempt: job.attempts + 1 })).toEqual(nothing);
  expect(await end({}, { attempt: job.attempts - 1, state: 'queued' })).toEqual(nothing);
  expect(await end({}, { id: job.id + 1 })).toEqual(nothing);
  expect(await getJob(db, job.id)).toEqual(job);
  expect(await counterDrift(db)).toBe(0);
});

test('the first attempt cannot end the second, though runner and epoch are the same', async ({
  db,
}) => {
  const { me, claim } = await setup(db);
  const first = one(await claim(1));
  await turn(db, { ...me, ends: [endOf(first, { state: 'queued', reason: 'crashed' })], claim: 0 });
  const second = one(await claim(1));

  const stale = await turn(db, { ...me, ends: [endOf(first)], claim: 0 });
  const right = await turn(db, { ...me, ends: [endOf(second)], claim: 0 });
  const again = await turn(db, { ...me, ends: [endOf(second)], claim: 0 });

  expect(second).toMatchObject({ id: first.id, attempts: 2 });
  expect(stale.accepted).toEqual([]);
  expect(idsOf(right.accepted)).toEqual([first.id]);
  expect(again.accepted).toEqual([]);
  expect(await counterDrift(db)).toBe(0);
});

test('neither a lane nor a repository runs more than it may', async ({ db }) => {
  const { claim } = await setup(db, 5, { laneLimit: 2, repoLimit: 3 });
  await insertJobs(
    db,
    Array.from({ length: 5 }, () => newJob({ agent: 'tester' })),
  );

  const claimed = await claim(20);
  const more = await claim(20);

  expect(claimed).toHaveLength(3);
  expect(more).toEqual([]);
  expect(countBy(claimed, (job) => job.agent)).toEqual({ builder: 2, tester: 1 });
});

test('claims only for the agents asked for, and nothing from a held lane', async ({ db }) => {
  const { me } = await setup(db);
  await insertJobs(db, [newJob({ agent: 'tester' }), newJob({ agent: 'pm' })]);
  await db.query(sql`update lane set hold = 'paused' where agent = 1`);

  const { claimed } = await turn(db, { ...me, ends: [], agents: ['tester', 'pm'], claim: 9 });

  expect(claimed.map((job) => job.agent)).toEqual(['tester']);
});

test('a runner that was replaced, drained or given up claims nothing but ends what it has', async ({
  db,
}) => {
  const { me, claim } = await setup(db, 3);
  const [kept] = await claim(1);

  await db.query(sql`update runner set state = 'draining'`);
  const drained = await turn(db, { ...me, ends: [endOf(kept!)], claim: 1 });
  await leaveRunner(db, { id: me.runner, epoch: me.epoch });
  const gone = await claim(1);
  await newRunner(db);
  const replaced = await claim(1);

  expect(idsOf(drained.accepted)).toEqual([kept!.id]);
  expect([drained.claimed, gone, replaced]).toEqual([[], [], []]);
});

test('a lane with 4,000 jobs does not keep 49 other repositories waiting', async ({ db }) => {
  const { me } = await setup(db, 4_000, { repos: 50, laneLimit: 500, repoLimit: 500 });
  await insertJobs(
    db,
    Array.from({ length: 49 }, (_, i) => newJob({ repoId: i + 2 })),
  );

  const { claimed } = await turn(db, { ...me, ends: [], claim: 500 });

  expect(claimed.filter((job) => job.repoId === 1)).toHaveLength(32);
  expect(new Set(claimed.map((job) => job.repoId)).size).toBe(50);
});

test('runners that claim little serve lanes in turn', async ({ db }) => {
  const { me } = await setup(db, 4_000, { repos: 50, laneLimit: 500, repoLimit: 500 });
  await insertJobs(
    db,
    Array.from({ length: 49 }, (_, i) => newJob({ repoId: i + 2 })),
  );

  const repos = new Set<number>();
  for (let i = 0; i < 50; i++) {
    const { claimed } = await turn(db, { ...me, lanes: 8, ends: [], claim: 4 });
    claimed.forEach((job) => repos.add(job.repoId));
  }

  expect(repos.size).toBe(50);
});

test('open lanes of full repositories do not hide the others', async ({ db }) => {
  const { me, claim } = await setup(db, 0, { repos: 20, laneLimit: 2, repoLimit: 1 });
  await insertJobs(
    db,
    Array.from({ length: 19 }, (_, i) =>
      AGENTS.map((agent) => newJob({ repoId: i + 1, agent })),
    ).flat(),
  );
  for (let i = 0; i < 3; i++) {
    await claim(64);
  }
  await insertJobs(db, [newJob({ repoId: 20 })]);

  const { claimed } = await turn(db, { ...me, lanes: 8, ends: [], claim: 8 });

  expect(claimed.map((job) => job.repoId)).toEqual([20]);
});

test('a claim looks at more lanes when too few jobs came, at fewer when few lanes held them', async ({
  db,
}) => {
  const { claim } = await setup(db, 5);
  const jobs = await claim(5);
  const quota = createLaneQuota();

  const steps = [quota.lanes];
  expect(quota.learn(10, jobs)).toBe(true);
  steps.push(quota.lanes);
  expect(quota.learn(10, [])).toBe(true);
  steps.push(quota.lanes);
  expect(quota.learn(10, [])).toBe(false);
  steps.push(quota.lanes);
  expect(quota.learn(5, jobs)).toBe(false);
  steps.push(quota.lanes);

  expect(steps).toEqual([8, 64, 512, 512, 64]);
});

function one(jobs: readonly JobRow[]): JobRow {
  expect(jobs).toHaveLength(1);
  return jobs[0]!;
}

function idsOf(jobs: readonly JobRow[]): number[] {
  return jobs.map((job) => job.id).sort((a, b) => a - b);
}

function countBy<T>(items: readonly T[], key: (item: T) => string): Record<string, number> {
  return Object.fromEntries(
    Object.entries(Object.groupBy(items, key)).map(([name, of]) => [name, of?.length ?? 0]),
  );
}
