import { expect } from 'vitest';

import { test } from '../../test/database.ts';
import { counterDrift, newJob, newRunner, resetQueue } from '../../test/queue.ts';
import { AGENTS } from '../domain/agent.ts';
import type { WaitReason } from '../domain/job-state.ts';
import type { Db } from './db.ts';
import { insertJobs } from './enqueue.ts';
import { getJob } from './job-rows.ts';
import { moveJob, moveToFinal, promoteDue, wakeJob } from './promote.ts';
import { sql } from './sql.ts';
import { turn } from './turn.ts';

const PAST = new Date('2020-01-01T00:00:00Z');
const FUTURE = new Date('2100-01-01T00:00:00Z');

async function setup(db: Db, ...jobs: Parameters<typeof newJob>[0][]): Promise<number[]> {
  await resetQueue(db);
  const ids = await insertJobs(db, jobs.map(newJob));
  return ids.map((id) => id ?? 0);
}

function waiting(reason: WaitReason, wakeAt?: Date) {
  return { state: { waiting: reason, ...(wakeAt && { wakeAt }) } };
}

test('queues what waited long enough, the longest first', async ({ db }) => {
  const [retry, budget, later] = await setup(
    db,
    waiting('retry', new Date('2021-01-01T00:00:00Z')),
    waiting('budget', PAST),
    waiting('cooldown', FUTURE),
  );

  const first = await promoteDue(db, 1);
  const states = async () => [
    (await getJob(db, retry!))?.state,
    (await getJob(db, budget!))?.state,
    (await getJob(db, later!))?.state,
  ];

  expect(first).toBe(1);
  expect(await states()).toEqual(['waiting', 'queued', 'waiting']);
  expect(await promoteDue(db, 10)).toBe(1);
  expect(await promoteDue(db, 10)).toBe(0);
  expect(await states()).toEqual(['queued', 'queued', 'waiting']);
  expect(await counterDrift(db)).toBe(0);
});

test('no time queues a job that waits for a person or its parent', async ({ db }) => {
  await setup(db, waiting('gate', PAST), waiting('question', PAST), waiting('parent', PAST));

  expect(await promoteDue(db, 10)).toBe(0);
});

test('an answer queues the job that waits for it, once, and stands in its input', async ({
  db,
}) => {
  const [id] = await setup(db, waiting('question'));
  const input = {
    kind: 'answer',
    author: 'ada',
    text: 'Use the old API.',
    at: '2026-01-01T00:00:00Z',
  } as const;

  const wrong = await wakeJob(db, id!, { from: 'gate' });
  const woken = await wakeJob(db, id!, { from: 'question', input, actor: 'ada' });
  const again = await wakeJob(db, id!, { from: 'question', input });

  expect([wrong, woken, again]).toEqual([false, true, false]);
  expect(await getJob(db, id!)).toMatchObject({
    state: 'queued',
    waitReason: null,
    input: [input],
  });
  expect(await db.query(sql`select from_state, to_state, actor from job_event`)).toEqual([
    { from_state: 2, to_state: 0, actor: 'ada' },
  ]);
  expect(await counterDrift(db)).toBe(0);
});

test('a queued job that is put off leaves its lane, and a publishing one comes to review', async ({
  db,
}) => {
  const [id, other] = await setup(db, {}, {});
  await db.query(sql`update job set state = 3 where id = ${other}`);
  await db.query(sql`update lane set ready = 1 where agent = 3`);

  const put = await moveJob(db, id!, { from: 'queued', to: 'waiting', waitReason: 'gate' });
  const still = await moveJob(db, id!, {
    from: 'waiting',
    to: 'waiting',
    waitReason: 'budget',
    wakeAt: FUTURE,
  });
  const review = await moveJob(db, other!, {
    from: 'publishing',
    to: 'review',
    mergeRequestId: 4,
    branch: 'autodev/4',
  });

  expect(put).toMatchObject({ state: 'waiting', waitReason: 'gate' });
  expect(still).toMatchObject({ waitReason: 'budget', wakeAt: FUTURE });
  expect(review).toMatchObject({ state: 'review', mergeRequestId: 4, branch: 'autodev/4' });
  expect(await counterDrift(db)).toBe(0);
});

test('a job ends from any resting state, once, and keeps what it was', async ({ db }) => {
  const [queued, gated] = await setup(db, { dedupeKey: 'k' }, waiting('gate'));
  const before = await getJob(db, queued!);
  const end = {
    from: ['queued', 'waiting'],
    to: 'cancelled',
    reason: 'cancelled',
    detail: 'No need.',
    actor: 'ada',
  } as const;

  const ended = await moveToFinal(db, queued!, end);
  const again = await moveToFinal(db, queued!, end);
  await moveToFinal(db, gated!, { from: 'waiting', to: 'rejected', actor: 'ada' });

  expect(again).toBeUndefined();
  expect(ended).toEqual({
    ...before,
    state: 'cancelled',
    reason: 'cancelled',
    detail: 'No need.',
    updatedAt: expect.any(Date),
    endedAt: expect.any(Date),
  });
  expect(await getJob(db, queued!)).toEqual(ended);
  expect(await getJob(db, gated!)).toMatchObject({ state: 'rejected' });
  expect(await db.query(sql`select from job`)).toEqual([]);
  expect(await counterDrift(db)).toBe(0);
});

test('a running job is moved by nobody but its runner', async ({ db }) => {
  const [id] = await setup(db, {});
  const me = await newRunner(db);
  await turn(db, { ...me, ends: [], agents: AGENTS, claim: 1, lanes: 8 });

  const ended = await moveToFinal(db, id!, { from: ['queued', 'waiting'], to: 'cancelled' });

  expect(ended).toBeUndefined();
  expect(await getJob(db, id!)).toMatchObject({ state: 'running' });
});

test('a move that no job may make is a bug, and says so', async ({ db }) => {
  const [id] = await setup(db, {});

  await expect(moveJob(db, id!, { from: 'review', to: 'queued' })).rejects.toThrow(
    '`review` to `queued`',
  );
  await expect(moveJob(db, id!, { from: 'queued', to: 'failed' })).rejects.toThrow('moveToFinal');
  await expect(moveToFinal(db, id!, { from: 'waiting', to: 'queued' })).rejects.toThrow('moveJob');
});
