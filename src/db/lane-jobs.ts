import type { Agent } from '../domain/agent.ts';
import { agentOf } from '../domain/agent.ts';
import type { Queryable } from './db.ts';
import type { Sql } from './sql.ts';
import { sql } from './sql.ts';

/** A job that its file does not want any more. */
export interface StrandedJob {
  readonly id: number;
  /** Why its lane is held, for people. */
  readonly reason: string;
}

/**
 * Jobs in lanes that their file disabled or removed: those that run and were not told to stop, and of removed
 * agents those that wait or are queued. What a disabled agent has queued stays for the day it is enabled again.
 */
export function listStrandedJobs(db: Queryable, limit: number): Promise<StrandedJob[]> {
  return db.query<StrandedJob>(sql`${stranded} order by j.id limit ${limit}`);
}

/** Locks a job if it is still stranded. False: it is not, or somebody else stops it just now. */
export async function lockStrandedJob(tx: Queryable, id: number): Promise<boolean> {
  const rows = await tx.query(
    sql`${stranded} and j.id = ${id}::bigint for update of j skip locked`,
  );
  return rows.length > 0;
}

const stranded: Sql = sql`
  select j.id, h.reason
  from lane_hold h
  join job j on j.repo_id = h.repo_id and j.agent = h.agent
  where (h.kind = 'removed' and j.state in (0, 2)
    or h.kind in ('disabled', 'removed') and j.state = 1
      and not exists (select from control c where c.job_id = j.id and c.verb = 'cancel' and c.lifted_at is null))`;

/** Unfinished jobs of one agent, by what a file that drops it does to them. */
export interface LaneJobs {
  readonly agent: Agent;
  /** waiting or queued */
  readonly pending: number;
  readonly running: number;
}

export async function countLaneJobs(db: Queryable, repoId: number): Promise<LaneJobs[]> {
  const rows = await db.query<{ agent: number; pending: number; running: number }>(sql`
    select agent::int as agent, count(*) filter (where state in (0, 2))::int as pending,
      count(*) filter (where state = 1)::int as running
    from job where repo_id = ${repoId} and state in (0, 1, 2) group by agent order by agent
  `);
  return rows.map((row) => ({ ...row, agent: agentOf(row.agent) }));
}
