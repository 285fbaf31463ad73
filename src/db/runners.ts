import type { Agent } from '../domain/agent.ts';
import { agentCode, agentOf } from '../domain/agent.ts';
import { decideLost } from '../domain/lost-job.ts';
import type { Db, Queryable } from './db.ts';
import type { JobRecord, JobRow } from './job-rows.ts';
import { jobRow } from './job-rows.ts';
import { sql } from './sql.ts';
import type { AttemptEnd } from './turn.ts';
import { turn } from './turn.ts';

interface Registration {
  /** Lives in the runner's data folder: the same folder is the same runner. */
  readonly key: string;
  readonly agents: readonly Agent[];
  readonly providers: readonly string[];
  /** How many jobs it runs at once. */
  readonly slots: number;
  readonly host: string;
  readonly pid: number;
  readonly sandbox: {
    readonly mode: string;
    readonly protected: boolean;
    readonly reason?: string;
  };
  readonly leaseMs: number;
}

/** Where a job goes whose runner is gone. */
type LostEnd = Omit<AttemptEnd, 'id' | 'attempt'>;
/** Decides about one lost job; the default queues it again at once. */
type DecideLost = (job: JobRow) => LostEnd;

interface RegisterOptions {
  readonly decide?: DecideLost;
  /** Runs in the same transaction with what was taken from the runner's earlier epochs: end its attempts here. */
  readonly onLost?: (tx: Queryable, jobs: readonly LostJob[]) => Promise<void>;
}

/** A job that was taken from a runner that is gone: as it is now, and as it was claimed. */
export interface LostJob {
  readonly job: JobRow;
  readonly runner: number;
  readonly epoch: number;
}

/**
 * Registers a runner. Registering a key again is a new epoch: what the old epoch wrote from now on is stale,
 * and its jobs are taken back at once, as `lost`. A job whose completion is being written at this moment is
 * left alone; if that fails, `listDeadRunners` finds it.
 */
export function registerRunner(
  db: Db,
  registration: Registration,
  { decide, onLost }: RegisterOptions = {},
): Promise<{ id: number; epoch: number; lost: LostJob[] }> {
  const { key, agents, providers, slots, host, pid, sandbox, leaseMs } = registration;

  return db.transaction(async (tx) => {
    const [runner] = await tx.query<{ id: number; epoch: number }>(sql`
      insert into runner (key, epoch, lease_until, heartbeat_at, agents, providers, slots, host, pid, sandbox)
      values (${key}, 1, now() + ${leaseMs}::int * interval '1 ms', now(), ${agents.map(agentCode)}::smallint[],
        ${providers}::text[], ${slots}, ${host}, ${pid}, ${JSON.stringify(sandbox)}::jsonb)
      on conflict (key) do update set
        epoch = runner.epoch + 1, state = 'active', lease_until = excluded.lease_until,
        heartbeat_at = excluded.heartbeat_at, agents = excluded.agents, providers = excluded.providers,
        slots = excluded.slots, host = excluded.host, pid = excluded.pid, sandbox = excluded.sandbox,
        started_at = now()
      returning id, epoch
    `);
    if (runner === undefined) {
      throw new Error('registering a runner returned no row');
    }
    const lost = await endLostJobs(tx, { runner: runner.id, upToEpoch: runner.epoch - 1, decide });
    if (onLost !== undefined && lost.length > 0) {
      await onLost(tx, lost);
    }
    return { ...runner, lost };
  });
}

/** Where the runner of a data folder was last seen, as long as its lease lasts; undefined: nobody holds it. */
export async function findLeaseHolder(
  db: Queryable,
  key: string,
): Promise<{ host: string; pid: number } | undefined> {
  const [row] = await db.query<{ host: string; pid: number }>(sql`
    select host, pid from runner where key = ${key} and state <> 'gone' and lease_until > now()
  `);
  return row;
}

/** Extends the lease. False: this epoch is over, so every worker of it has to be ended and nothing written. */
export async function heartbeat(
  db: Queryable,
  { id, epoch, leaseMs }: { id: number; epoch: number; leaseMs: number },
): Promise<boolean> {
  const rows = await db.query(sql`
    update runner set heartbeat_at = now(), lease_until = now() + ${leaseMs}::int * interval '1 ms'
    where id = ${id} and epoch = ${epoch} and state <> 'gone' returning id
  `);
  return rows.length > 0;
}

/** Says goodbye, or declares a runner dead: its epoch gets no heartbeat and claims nothing any more. */
export async function leaveRunner(
  tx: Queryable,
  { id, epoch }: { id: number; epoch: number },
): Promise<boolean> {
  const rows = await tx.query(
    sql`update runner set state = 'gone' where id = ${id} and epoch = ${epoch} and state <> 'gone' returning id`,
  );
  return rows.length > 0;
}

/** A runner from which jobs must be taken: all epochs up to `upToEpoch`. */
export interface DeadRunner {
  readonly id: number;
  readonly host: string;
  readonly upToEpoch: number;
  /** Whether the lease of the newest epoch ran out: then call `leaveRunner` with it first. */
  readonly expired: boolean;
}

/**
 * Runners whose lease ended more than `graceMs` ago (by the database's clock), and any that left jobs running
 * in an epoch that is over.
 */
export async function listDeadRunners(
  db: Queryable,
  { graceMs }: { graceMs: number },
): Promise<DeadRunner[]> {
  const rows = await db.query<{ id: number; host: string; epoch: number; expired: boolean }>(sql`
    select r.id, r.host, case when e.expired or r.state = 'gone' then r.epoch else r.epoch - 1 end as epoch,
      e.expired
    from runner r, lateral (
      select r.state <> 'gone' and r.lease_until < now() - ${graceMs}::int * interval '1 ms' as expired
    ) e
    where e.expired or exists (
      select from job j where j.state = 1 and j.runner = r.id and (j.epoch < r.epoch or r.state = 'gone')
    )
    order by r.id
  `);
  return rows.map(({ id, host, epoch, expired }) => ({ id, host, upToEpoch: epoch, expired }));
}

/**
 * Takes a dead runner's jobs. Rows that somebody holds are skipped, so that this never waits for a job while it
 * holds others: the dead runner may turn out to be alive and complete them in another order.
 *
 * One runner a transaction: it locks jobs, lanes and slots.
 */
export async function endLostJobs(
  tx: Queryable,
  {
    runner,
    upToEpoch,
    except = [],
    decide = queueAgain,
  }: {
    runner: number;
    upToEpoch: number;
    /** Jobs that are not lost: for a runner that takes from itself. */
    except?: readonly number[];
    decide?: DecideLost | undefined;
  },
): Promise<LostJob[]> {
  const records = await tx.query<JobRecord>(sql`
    select * from job where state = 1 and runner = ${runner} and epoch <= ${upToEpoch}
      and id <> all (${except}::bigint[])
    order by id for update skip locked
  `);
  if (records.length === 0) {
    return [];
  }
  const jobs = records.map(jobRow);
  const epochs = new Map(jobs.map((job) => [job.id, job.epoch ?? upToEpoch]));
  if ([...epochs.values()].some((epoch) => epoch !== upToEpoch)) {
    // It died again before anybody looked. One turn must end them all: a second one in the same transaction
    // would lock lanes after slots, which is a deadlock with the next who does the same.
    await tx.query(sql`
      update job set epoch = ${upToEpoch} where id = any (${[...epochs.keys()]}::bigint[])
    `);
  }
  const { accepted } = await turn(tx, {
    ends: jobs.map((job) => ({ ...decide(job), id: job.id, attempt: job.attempts })),
    runner,
    epoch: upToEpoch,
    agents: [],
    claim: 0,
    lanes: 0,
  });
  return accepted.map((job) => ({ job, runner, epoch: epochs.get(job.id) ?? upToEpoch }));
}

const queueAgain: DecideLost = (job) =>
  decideLost(job, { loss: 'restarted', limits: undefined, now: 0 });

interface RunnerRow {
  readonly id: number;
  readonly key: string;
  readonly epoch: number;
  readonly state: 'active' | 'draining' | 'gone';
  readonly agents: Agent[];
  readonly providers: string[];
  readonly slots: number;
  readonly host: string;
  readonly pid: number;
  readonly heartbeatAt: Date;
  readonly leaseUntil: Date;
}

/** Every runner that is not gone, oldest first. */
export async function listRunners(db: Queryable): Promise<RunnerRow[]> {
  const rows = await db.query<Omit<RunnerRow, 'agents'> & { agents: number[] }>(sql`
    select id, key, epoch, state, agents, providers, slots, host, pid, heartbeat_at as "heartbeatAt",
      lease_until as "leaseUntil"
    from runner where state <> 'gone' order by id
  `);
  return rows.map((row) => ({ ...row, agents: row.agents.map(agentOf) }));
}
