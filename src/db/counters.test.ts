import * as fc from 'fast-check';
import { expect } from 'vitest';

import { test } from '../../test/database.ts';
import { counterDrift, endOf, newJob, newRunner, resetQueue } from '../../test/queue.ts';
import { AGENTS } from '../domain/agent.ts';
import { cancelJob } from './controls.ts';
import { recountCounters } from './counters.ts';
import type { Db } from './db.ts';
import { insertJobs } from './enqueue.ts';
import type { JobRow } from './job-rows.ts';
import { moveJob, promoteDue, wakeJob } from './promote.ts';
import { sql } from './sql.ts';
import { turn } from './turn.ts';

test('counters that are wrong are put right, and counted', async ({ db }) => {
  await resetQueue(db, { repos: 150 });
  await insertJobs(db, [newJob(), newJob({ repoId: 150 })]);
  await db.query(sql`update lane set ready = 5, running = 2 where repo_id = 150 and agent = 3`);
  await db.query(sql`update lane set running = 1 where repo_id = 2 and agent = 1`);
  await db.query(sql`update repo_slot set running = 4 where repo_id = 120`);

  const drift = await recountCounters(db);

  expect(drift).toBe(3);
  expect(await recountCounters(db)).toBe(0);
  expect(await counterDrift(db)).toBe(0);
});

/** One thing that may happen to the queue; `pick` chooses the job it happens to. */
const ACTS = [
  'enqueue',
  'claim',
  'succeed',
  'retry',
  'wait',
  'publish',
  'stale',
  'cancel',
  'hold',
  'wake',
  'promote',
  'restart',
] as const;
const someActs = fc.array(fc.record({ act: fc.constantFrom(...ACTS), pick: fc.nat(9) }), {
  minLength: 5,
  maxLength: 40,
});

test('whatever happens in whatever order, the counters say what the jobs say and no limit is passed', async ({
  db,
}) => {
  await fc.assert(
    fc.asyncProperty(someActs, async (acts) => {
      await resetQueue(db, { repos: 2, agents: ['pm', 'builder'], laneLimit: 2, repoLimit: 3 });
      const world: World = { me: await newRunner(db), running: [], stale: [] };

      for (const { act, pick } of acts) {
        await carryOut(db, world, act, pick);
      }

      expect(await counterDrift(db)).toBe(0);
      expect(
        await db.query(
          sql`select 1 from lane where running > max_running or ready < 0 or running < 0`,
        ),
      ).toEqual([]);
      expect(await db.query(sql`select 1 from repo_slot where running > max_running`)).toEqual([]);
    }),
    { numRuns: 25 },
  );
});

interface World {
  me: { runner: number; epoch: number };
  running: JobRow[];
  stale: JobRow[];
}

async function carryOut(
  db: Db,
  world: World,
  act: (typeof ACTS)[number],
  pick: number,
): Promise<void> {
  const me = { ...world.me, agents: AGENTS, lanes: 8 };
  const end = async (of: Parameters<typeof endOf>[1]) => {
    const job = world.running.splice(pick % (world.running.length || 1), 1)[0];
    if (job !== undefined) {
      world.stale.push(job);
      await turn(db, { ...me, ends: [endOf(job, of)], claim: 0 });
    }
  };
  const some = async () => {
    const rows = await db.query<{ id: number }>(sql`select id from job order by id`);
    return rows[pick % (rows.length || 1)]?.id ?? 0;
  };
  const soon = { waitReason: 'retry', wakeAt: new Date(0) } as const;

  switch (act) {
    case 'enqueue':
      await insertJobs(db, [
        newJob({
          repoId: 1 + (pick % 2),
          agent: pick % 3 ? 'pm' : 'builder',
          dedupeKey: `k${pick}`,
        }),
        newJob({ repoId: 2 }),
        newJob({ agent: 'pm', state: { waiting: 'gate' } }),
      ]);
      break;
    case 'claim':
      world.running.push(...(await turn(db, { ...me, ends: [], claim: pick })).claimed);
      break;
    case 'succeed':
      await end({});
      break;
    case 'retry':
      await end({ state: 'queued', reason: 'crashed' });
      break;
    case 'wait':
      await end({ state: 'waiting', reason: 'rate_limited', ...soon });
      break;
    case 'publish':
      await end({ state: 'publishing' });
      break;
    case 'stale':
      await turn(db, { ...me, ends: world.stale.map((job) => endOf(job)), claim: 0 });
      break;
    case 'cancel':
      await cancelJob(db, { id: await some(), actor: 'ada', reason: 'No need.' });
      break;
    case 'hold':
      await moveJob(db, await some(), { from: ['queued', 'waiting'], to: 'waiting', ...soon });
      break;
    case 'wake':
      await wakeJob(db, await some(), { from: 'gate' });
      break;
    case 'promote':
      await promoteDue(db, 1 + pick);
      break;
    case 'restart':
      world.me = await newRunner(db);
      world.stale.push(...world.running.splice(0));
      break;
  }
}
