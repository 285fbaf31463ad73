import { expect } from 'vitest';

import { openPool, test } from '../../test/database.ts';
import { counterDrift, endOf, newJob, newRunner, resetQueue } from '../../test/queue.ts';
import { AGENTS } from '../domain/agent.ts';
import type { Db } from './db.ts';
import { insertJobs } from './enqueue.ts';
import { getJob } from './job-rows.ts';
import type { LostJob } from './runners.ts';
import {
  endLostJobs,
  heartbeat,
  leaveRunner,
  listDeadRunners,
  listRunners,
  registerRunner,
} from './runners.ts';
import { sql } from './sql.ts';
import { turn } from './turn.ts';

async function setup(db: Db, jobs = 0) {
  await resetQueue(db);
  const me = await newRunner(db);
  await insertJobs(
    db,
    Array.from({ length: jobs }, () => newJob()),
  );
  const { claimed } = await turn(db, { ...me, ends: [], agents: AGENTS, claim: jobs, lanes: 8 });
  return { me, claimed };
}

const REGISTRATION = {
  key: 'runner',
  agents: ['pm'],
  providers: ['codex'],
  slots: 2,
  host: 'b',
  pid: 7,
  sandbox: { mode: 'bubblewrap', protected: true },
  leaseMs: 60_000,
} as const;

test('the same data folder is the same runner, in its next epoch', async ({ db }) => {
  const { me } = await setup(db);

  const again = await registerRunner(db, REGISTRATION);

  expect(again).toEqual({ id: me.runner, epoch: me.epoch + 1, lost: [] });
  expect(await listRunners(db)).toMatchObject([
    {
      id: me.runner,
      epoch: 2,
      state: 'active',
      agents: ['pm'],
      providers: ['codex'],
      slots: 2,
      host: 'b',
    },
  ]);
});

test('registering again takes back the old epoch’s jobs at once, in one transaction', async ({
  db,
}) => {
  const { me, claimed } = await setup(db, 3);
  const told: LostJob[] = [];

  const { lost } = await registerRunner(db, REGISTRATION, {
    onLost: async (tx, jobs) => {
      told.push(...jobs);
      expect(await tx.query(sql`select 1 from job where state = 1`)).toEqual([]);
    },
  });
  const stale = await turn(db, {
    ...me,
    ends: claimed.map((job) => endOf(job)),
    agents: [],
    claim: 0,
    lanes: 8,
  });

  expect(lost).toHaveLength(3);
  expect(told).toEqual(lost);
  expect(lost[0]).toMatchObject({
    runner: me.runner,
    epoch: 1,
    job: { state: 'queued', reason: 'lost', attempts: 1 },
  });
  expect(stale.accepted).toEqual([]);
  expect(await counterDrift(db)).toBe(0);
});

test('a heartbeat extends the lease of its own epoch only', async ({ db }) => {
  const { me } = await setup(db);
  const mine = { id: me.runner, epoch: me.epoch, leaseMs: 3_600_000 };

  expect(await heartbeat(db, mine)).toBe(true);
  const [row] = await db.query<{ far: boolean }>(
    sql`select lease_until > now() + interval '59 minutes' as far from runner`,
  );
  expect(row?.far).toBe(true);
  expect(await heartbeat(db, { ...mine, epoch: 0 })).toBe(false);
  await newRunner(db);
  expect(await heartbeat(db, mine)).toBe(false);
});

test('a runner is dead when its lease and the grace are over, and only once', async ({ db }) => {
  const { me, claimed } = await setup(db, 2);
  await db.query(sql`update runner set lease_until = now() - interval '5 s'`);

  const inGrace = await listDeadRunners(db, { graceMs: 10_000 });
  const dead = await listDeadRunners(db, { graceMs: 1_000 });
  const lost = await db.transaction(async (tx) => {
    expect(await leaveRunner(tx, { id: me.runner, epoch: me.epoch })).toBe(true);
    return endLostJobs(tx, {
      runner: me.runner,
      upToEpoch: me.epoch,
      decide: () => ({ state: 'failed', reason: 'lost', uncounted: false }),
    });
  });

  expect(inGrace).toEqual([]);
  expect(dead).toEqual([{ id: me.runner, host: 'test', upToEpoch: me.epoch, expired: true }]);
  expect(new Set(lost.map(({ job }) => job.id))).toEqual(new Set(claimed.map((job) => job.id)));
  expect(await getJob(db, claimed[0]!.id)).toMatchObject({ state: 'failed', reason: 'lost' });
  expect(await listDeadRunners(db, { graceMs: 1_000 })).toEqual([]);
  expect(await heartbeat(db, { id: me.runner, epoch: me.epoch, leaseMs: 1 })).toBe(false);
  expect(await counterDrift(db)).toBe(0);
});

test('jobs of several dead epochs are taken in one turn, each with the epoch that claimed it', async ({
  db,
}) => {
  const { me, claimed } = await setup(db, 2);
  await db.query(sql`update runner set epoch = 3`);
  await db.query(sql`update job set epoch = 2 where id = ${claimed[1]?.id}`);

  const lost = await db.transaction((tx) => endLostJobs(tx, { runner: me.runner, upToEpoch: 2 }));

  expect(new Map(lost.map(({ job, epoch }) => [job.id, epoch]))).toEqual(
    new Map([
      [claimed[0]?.id, 1],
      [claimed[1]?.id, 2],
    ]),
  );
  expect(await counterDrift(db)).toBe(0);
});

test('a job whose end is being written is left to it; when that fails the reaper finds it', async ({
  db,
  connection,
}) => {
  const { me, claimed } = await setup(db, 1);
  await using rival = await openPool(connection);

  const failing = rival.transaction(async (tx) => {
    const ends = claimed.map((job) => endOf(job));
    await turn(tx, { ...me, ends, agents: [], claim: 0, lanes: 8 });
    const { lost } = await registerRunner(db, REGISTRATION);
    throw new Error(`crashed after ${lost.length} were taken`);
  });

  await expect(failing).rejects.toThrow('after 0 were taken');
  expect(await listDeadRunners(db, { graceMs: 10_000 })).toEqual([
    { id: me.runner, host: 'b', upToEpoch: me.epoch, expired: false },
  ]);
  const taken = await db.transaction((tx) =>
    endLostJobs(tx, { runner: me.runner, upToEpoch: me.epoch }),
  );
  expect(taken).toHaveLength(1);
  expect(await counterDrift(db)).toBe(0);
});
