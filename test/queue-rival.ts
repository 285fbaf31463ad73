import { cancelJob, pause, resume } from '../src/db/controls.ts';
import { recountCounters } from '../src/db/counters.ts';
import type { Db } from '../src/db/db.ts';
import { insertJobs } from '../src/db/enqueue.ts';
import type { JobRow } from '../src/db/job-rows.ts';
import { openDb } from '../src/db/pool.ts';
import { promoteDue } from '../src/db/promote.ts';
import { endLostJobs, heartbeat, leaveRunner, listDeadRunners } from '../src/db/runners.ts';
import { sql } from '../src/db/sql.ts';
import type { AttemptEnd } from '../src/db/turn.ts';
import { createLaneQuota, turn } from '../src/db/turn.ts';
import type { Agent } from '../src/domain/agent.ts';
import { AGENTS } from '../src/domain/agent.ts';
import { systemClock } from '../src/kernel/clock.ts';
import { AppError } from '../src/kernel/errors.ts';
import { silentLog } from '../src/kernel/log.ts';
import { createEnqueuer } from './enqueuer.ts';
import { endOf, newJob, newRunner } from './queue.ts';

/**
 * A process that competes for the queue; test/queue-rivals.ts starts some and reads their reports. It gets its
 * order as JSON, goes wild until a message comes, and then finishes what there is.
 */
export interface RivalOrder {
  connection: string;
  name: string;
  roles: readonly Role[];
  repos: number;
  /** Whether runners die, drop jobs and try to end them again. */
  wild: boolean;
}

export type Role = 'runner' | 'enqueuer' | 'canceller' | 'reaper';

export interface RivalReport {
  /** `job:attempt` of everything that was claimed. */
  claims: string[];
  /** Jobs that a runner ended for good. */
  finished: number[];
  /** Ends that were accepted though the job had been given up before. */
  staleAccepted: number;
  deadlocks: number;
  drift: number;
}

const PLAY = { runner: run, enqueuer: enqueue, canceller: cancel, reaper: reap } satisfies Record<
  Role,
  (of: Db, name: string) => Promise<void>
>;
const order: RivalOrder = JSON.parse(process.argv[2] ?? '{}');
const report: RivalReport = { claims: [], finished: [], staleAccepted: 0, deadlocks: 0, drift: 0 };
/** First those who make trouble stop, so that the runners then see the end of the queue. */
const phase = { calm: false, finishing: false };
const never = new AbortController().signal;

process.on('message', (message) => {
  phase.calm = true;
  phase.finishing = message === 'finish';
});

// Nobody waits for the report of a rival whose parent is gone.
process.once('disconnect', () => process.exit());

await using db = await openDb(
  { connection: order.connection, log: silentLog },
  { maxConnections: order.roles.length * 2 },
);
process.send?.('ready');
const playing = order.roles.map((role, i) => ({
  role,
  done: PLAY[role](db, `${order.name}-${i}`),
}));
await Promise.all(playing.flatMap(({ role, done }) => (role === 'runner' ? [] : done)));
await until(() => phase.calm);
process.send?.('calm');
await Promise.all(playing.map(({ done }) => done));
await until(() => phase.finishing);
// A long report is not out yet when `send` returns.
await new Promise((sent) => process.send?.(report, sent));
process.disconnect();

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) {
    await systemClock.sleep(10, never);
  }
}

/** Claims and ends in batches of every size, until the queue is empty. */
async function run(of: Db, key: string): Promise<void> {
  const agents = chance(0.5) || !order.wild ? AGENTS : [any(AGENTS)];
  const mostClaims = order.wild ? any([1, 4, 20, 100]) : 20;
  const quota = createLaneQuota();
  let me = await newRunner(of, key);
  let mine: JobRow[] = [];
  let dropped: JobRow[] = [];

  while (!phase.finishing || mine.length > 0 || (await hasWork(of, AGENTS))) {
    const alive =
      !order.wild || (await heartbeat(of, { id: me.runner, epoch: me.epoch, leaseMs: 60_000 }));
    if (!alive) {
      dropped.push(...mine.splice(0));
      me = await newRunner(of, key);
    }
    if (order.wild && !phase.finishing && chance(0.03)) {
      // A crash: what it had comes back, and the old self may still try to end it.
      dropped = mine.splice(0);
      const old = me;
      me = await newRunner(of, key);
      const stale = await turn(of, {
        ...old,
        ends: dropped.map((job) => endOf(job)),
        agents,
        claim: 5,
        lanes: 8,
      });
      report.staleAccepted += stale.accepted.length;
      report.claims.push(...stale.claimed.map(() => 'by a runner that was replaced'));
    }
    const ended = shuffle(mine).splice(0, Math.ceil(mine.length * 0.8));
    const ends = ended.map((job) => endOf(job, phase.finishing || !order.wild ? {} : anyEnd()));
    const claim = mostClaims - mine.length;
    const { accepted, claimed } = await guard(() =>
      turn(of, {
        ...me,
        ends,
        agents: phase.finishing ? AGENTS : agents,
        claim,
        lanes: quota.lanes,
      }),
    );
    quota.learn(claim, claimed);
    report.finished.push(
      ...accepted.filter((job) => job.state === 'succeeded').map((job) => job.id),
    );
    report.claims.push(...claimed.map((job) => `${job.id}:${job.attempts}`));
    mine.push(...claimed);
    if (order.wild && chance(0.3)) {
      await guard(() => promoteDue(of, 50));
    }
    if (claimed.length === 0 && mine.length === 0) {
      await systemClock.sleep(5, never);
    }
  }
  await leaveRunner(of, { id: me.runner, epoch: me.epoch });
}

function anyEnd(): Partial<AttemptEnd> {
  const lot = Math.random();
  if (lot < 0.75) {
    return {};
  }
  return lot < 0.87
    ? { state: 'queued', reason: 'crashed' }
    : {
        state: 'waiting',
        reason: 'rate_limited',
        waitReason: 'retry',
        wakeAt: new Date(0),
        uncounted: true,
      };
}

async function hasWork(of: Db, agents: readonly Agent[]): Promise<boolean> {
  await guard(() => promoteDue(of, 1_000));
  const rows = await of.query(sql`select 1 from job where state < 3 limit ${agents.length}::int`);
  return rows.length > 0;
}

async function enqueue(of: Db): Promise<void> {
  const { enqueue: add } = createEnqueuer({ db: of });
  const job = () =>
    newJob({
      repoId: 1 + Math.floor(Math.random() * order.repos),
      agent: any(AGENTS),
      ...(chance(0.3) && { dedupeKey: `k${Math.floor(Math.random() * 100)}` }),
    });
  while (!phase.calm) {
    await guard(() => Promise.all(Array.from({ length: 20 }, () => add(job()))));
    await guard(() => insertJobs(of, Array.from({ length: 30 }, job)));
    await systemClock.sleep(10, never);
  }
}

async function cancel(of: Db): Promise<void> {
  const ada = { actor: 'ada', reason: 'No need.' };
  while (!phase.calm) {
    const jobs = await of.query<{ id: number }>(
      sql`select id from job where state in (0, 2) order by random() limit 3`,
    );
    for (const { id } of jobs) {
      await guard(() => of.transaction((tx) => cancelJob(tx, { id, ...ada })));
    }
    const scope = { repoId: 1 + Math.floor(Math.random() * order.repos) };
    await guard(() => of.transaction((tx) => pause(tx, { scope, ...ada })));
    await guard(() => of.transaction((tx) => resume(tx, { scope, ...ada })));
  }
}

async function reap(of: Db): Promise<void> {
  while (!phase.calm) {
    if (chance(0.3)) {
      await of.query(sql`
        update runner set lease_until = now() - interval '1 minute'
        where id = (select id from runner order by random() limit 1)
      `);
    }
    for (const dead of await listDeadRunners(of, { graceMs: 0 })) {
      await guard(() =>
        of.transaction(async (tx) => {
          if (dead.expired) {
            await leaveRunner(tx, { id: dead.id, epoch: dead.upToEpoch });
          }
          await endLostJobs(tx, { runner: dead.id, upToEpoch: dead.upToEpoch });
        }),
      );
    }
    report.drift += await guard(() => recountCounters(of));
    await systemClock.sleep(20, never);
  }
}

/** Runs it again when another transaction was in the way, and counts that: it should never be. */
async function guard<T>(work: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof AppError) || error.code !== 'BUSY') {
        throw error;
      }
      report.deadlocks += 1;
    }
  }
}

/** In place. */
function shuffle<T>(items: T[]): T[] {
  return items.sort(() => Math.random() - 0.5);
}

function chance(of: number): boolean {
  return Math.random() < of;
}

function any<T>(items: readonly T[]): T {
  const item = items[Math.floor(Math.random() * items.length)];
  if (item === undefined) {
    throw new Error('nothing to choose from');
  }
  return item;
}
