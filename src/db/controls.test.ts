import { expect } from 'vitest';

import { test } from '../../test/database.ts';
import { counterDrift, newJob, newRunner, resetQueue } from '../../test/queue.ts';
import { AGENTS } from '../domain/agent.ts';
import {
  ackControl,
  cancelJob,
  drainRunner,
  getControl,
  listPauses,
  pause,
  pendingControls,
  resume,
} from './controls.ts';
import type { Db } from './db.ts';
import { insertJobs } from './enqueue.ts';
import { liftDue } from './holds.ts';
import { getJob } from './job-rows.ts';
import { listRunners } from './runners.ts';
import { sql } from './sql.ts';
import { turn } from './turn.ts';

const ADA = { actor: 'ada', reason: 'The release goes first.' };

async function setup(db: Db) {
  await resetQueue(db, { repos: 2, agents: ['pm', 'builder'] });
  return {
    paused: async () => {
      const lanes = await db.query<{ lane: string }>(
        sql`select repo_id || ':' || agent as lane from lane where hold = 'paused' order by repo_id, agent`,
      );
      return lanes.map(({ lane }) => lane);
    },
    claimOne: async () => {
      const me = await newRunner(db);
      await turn(db, { ...me, ends: [], agents: AGENTS, claim: 1, lanes: 8 });
      return me;
    },
  };
}

test('pauses nest: ending one leaves what another one covers', async ({ db }) => {
  const { paused } = await setup(db);

  await pause(db, { scope: {}, ...ADA });
  await pause(db, { scope: { repoId: 1, agent: 'pm' }, ...ADA });
  const everything = await paused();
  const { lifted } = await resume(db, { scope: {}, ...ADA });

  expect(everything).toEqual(['1:1', '1:3', '2:1', '2:3']);
  expect(lifted).toBe(1);
  expect(await paused()).toEqual(['1:1']);
  expect(await listPauses(db)).toMatchObject([{ scope: 'agent', repoId: 1, agent: 'pm', ...ADA }]);
});

test('a resume of a narrower scope does not end a wider pause', async ({ db }) => {
  const { paused } = await setup(db);
  await pause(db, { scope: { repoId: 1 }, ...ADA });

  const { lifted } = await resume(db, { scope: { repoId: 1, agent: 'pm' }, ...ADA });

  expect(lifted).toBe(0);
  expect(await paused()).toEqual(['1:1', '1:3']);
});

test('a pause with an end is over then, and one without goes on', async ({ db }) => {
  const { paused } = await setup(db);
  await pause(db, { scope: { repoId: 1 }, ...ADA, until: new Date('2020-01-01T00:00:00Z') });
  await pause(db, { scope: { repoId: 1, agent: 'builder' }, ...ADA });

  await liftDue(db);

  expect(await paused()).toEqual(['1:3']);
  expect(await listPauses(db)).toHaveLength(1);
});

test('cancelling a queued or waiting job ends it and takes it off its lane', async ({ db }) => {
  await setup(db);
  const [queued, waiting] = await insertJobs(db, [
    newJob(),
    newJob({ state: { waiting: 'gate' } }),
  ]);

  expect(await cancelJob(db, { id: queued!, ...ADA })).toBe('cancelled');
  expect(await cancelJob(db, { id: waiting!, ...ADA })).toBe('cancelled');
  expect(await cancelJob(db, { id: queued!, ...ADA })).toBeUndefined();
  expect(await getJob(db, queued!)).toMatchObject({
    state: 'cancelled',
    reason: 'cancelled',
    detail: ADA.reason,
  });
  expect(await db.query(sql`select distinct actor from job_event`)).toEqual([{ actor: 'ada' }]);
  expect(await counterDrift(db)).toBe(0);
});

test('cancelling a running job asks its runner, until that says it is done', async ({ db }) => {
  const { claimOne } = await setup(db);
  const [id] = await insertJobs(db, [newJob()]);
  const { runner } = await claimOne();

  const answer = await cancelJob(db, { id: id!, ...ADA });
  const [pending] = await pendingControls(db, runner);

  expect(answer).toBe('requested');
  expect(pending).toMatchObject({ verb: 'cancel', scope: 'job', jobId: id, repoId: 1, ...ADA });
  expect(await pendingControls(db, runner + 1)).toEqual([]);
  await ackControl(db, { id: pending!.id, runner });
  await ackControl(db, { id: pending!.id, runner });
  expect(await pendingControls(db, runner)).toEqual([]);
});

test('a drained runner is told so once in its epoch', async ({ db }) => {
  const { claimOne } = await setup(db);
  const { runner } = await claimOne();

  const id = await drainRunner(db, { runner, ...ADA });
  const again = await drainRunner(db, { runner, ...ADA });

  expect(again).toBeUndefined();
  expect(await pendingControls(db, runner)).toMatchObject([{ id, verb: 'drain', runner }]);
  expect(await listRunners(db)).toMatchObject([{ state: 'draining' }]);
  await newRunner(db);
  expect(await pendingControls(db, runner)).toEqual([]);
});

test('every control is announced by its id after the commit', async ({ db }) => {
  await setup(db);
  const heard: string[] = [];
  const listening = new AbortController();
  await db.listen('control', (payload) => heard.push(payload), listening.signal);

  const id = await db.transaction((tx) => pause(tx, { scope: { repoId: 1 }, ...ADA }));

  await expect.poll(() => heard).toContain(String(id));
  expect(await getControl(db, id)).toMatchObject({ verb: 'pause', scope: 'repo', repoId: 1 });
  expect(await getControl(db, id + 1)).toBeUndefined();
  listening.abort();
});
