import type { Agent } from '../domain/agent.ts';
import { agentCode } from '../domain/agent.ts';
import type { JobReason } from '../domain/end-reason-text.ts';
import type { JobState, WaitReason } from '../domain/job-state.ts';
import { jobStateCode } from '../domain/job-state.ts';
import type { Queryable } from './db.ts';
import type { JobRecord, JobRow } from './job-rows.ts';
import { jobRow } from './job-rows.ts';
import { sql } from './sql.ts';

/** How one attempt ended, and where its job goes. */
export interface AttemptEnd {
  /** The job. */
  readonly id: number;
  /** The `attempts` that the job had when it was claimed: part of the fence. */
  readonly attempt: number;
  readonly state: Exclude<JobState, 'running'>;
  readonly reason: JobReason;
  /** One sentence for people. */
  readonly detail?: string;
  /** Only with `waiting`. */
  readonly waitReason?: WaitReason;
  readonly wakeAt?: Date;
  /** Whether this attempt does not use up one of the job's attempts. */
  readonly uncounted: boolean;
}

interface TurnOptions {
  readonly ends: readonly AttemptEnd[];
  readonly runner: number;
  readonly epoch: number;
  readonly agents: readonly Agent[];
  /** Claim at most so many jobs; 0 claims nothing. */
  readonly claim: number;
  /** Lock at most so many lanes for it (see `createLaneQuota`). */
  readonly lanes: number;
}

export interface TurnResult {
  /** Ended jobs as they are now. One that is missing was stale: somebody else owns the job. */
  readonly accepted: JobRow[];
  readonly claimed: JobRow[];
}

/**
 * Ends attempts and claims jobs in one statement. What ended is fenced by (id, attempt, runner, epoch): a
 * stale end changes nothing and is missing in `accepted`. A runner that is not registered with this epoch, or
 * not `active`, claims nothing. Claimed jobs come without an order that means anything.
 *
 * Takes locks on job, lane and repo_slot: a transaction that goes on after it may touch budget windows and
 * what nobody queues for, but no further jobs or lanes.
 */
export async function turn(
  tx: Queryable,
  { ends, runner, epoch, agents, claim, lanes }: TurnOptions,
): Promise<TurnResult> {
  const rows = await tx.query<JobRecord>(sql`
    select * from turn(
      ${ends.map((end) => end.id)}::bigint[],
      ${ends.map((end) => end.attempt)}::smallint[],
      ${ends.map((end) => jobStateCode(end.state))}::smallint[],
      ${ends.map((end) => end.reason)}::text[],
      ${ends.map((end) => end.detail)}::text[],
      ${ends.map((end) => end.waitReason)}::text[],
      ${ends.map((end) => end.wakeAt)}::timestamptz[],
      ${ends.map((end) => (end.uncounted ? 1 : 0))}::smallint[],
      ${runner}::int, ${epoch}::int, ${agents.map(agentCode)}::smallint[], ${claim}::int, ${lanes}::int
    )
  `);

  const accepted: JobRow[] = [];
  const claimed: JobRow[] = [];
  for (const job of rows.map(jobRow)) {
    (job.state === 'running' ? claimed : accepted).push(job);
  }
  return { accepted, claimed };
}

/**
 * Undoes that jobs were counted which were claimed and sent back, uncounted, by this same transaction: their numbers
 * are free again, as nobody has seen them.
 */
export async function forgetClaims(tx: Queryable, jobIds: readonly number[]): Promise<void> {
  if (jobIds.length === 0) {
    return;
  }
  await tx.query(sql`
    update job set attempts = attempts - 1, uncounted = uncounted - 1 where id = any (${jobIds}::bigint[]) and state + 0 <> 1
  `);
}

const LANE_QUOTAS = [8, 64, 512] as const;

interface LaneQuota {
  /** What to pass as `lanes`. */
  readonly lanes: number;
  /** Says how a claim of at most `wanted` jobs went. True when the next claim looks at more lanes, so at once. */
  learn(wanted: number, claimed: readonly JobRow[]): boolean;
}

/**
 * How many lanes a claim locks: few when few hold enough work, more when too few jobs came. Measured at 400
 * lanes: 64 instead of 504 locked lanes made claims 1.2 times as fast, and competing runners skip less.
 */
export function createLaneQuota(): LaneQuota {
  let step = 0;
  return {
    get lanes() {
      return LANE_QUOTAS[step] ?? LANE_QUOTAS[0];
    },
    learn: (wanted, claimed) => {
      if (claimed.length < wanted) {
        const more = step < LANE_QUOTAS.length - 1;
        step += more ? 1 : 0;
        return more;
      }
      const used = new Set(claimed.map((job) => `${job.repoId} ${job.agent}`)).size;
      const smaller = LANE_QUOTAS[step - 1];
      if (smaller !== undefined && used <= smaller / 2) {
        step -= 1;
      }
      return false;
    },
  };
}
