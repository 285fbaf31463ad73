import type { Queryable } from './db.ts';
import { isFree } from './setbacks.ts';
import { sql } from './sql.ts';

/** A job whose end somebody asked for while a runner had it, and that no runner has any more. */
export interface CancelRequested {
  readonly jobId: number;
  readonly actor: string;
  readonly reason: string;
}

/** Cancels that nobody carried out: the runner was done before it saw them. Jobs live for a week at most. */
export function listCancelRequested(db: Queryable, limit: number): Promise<CancelRequested[]> {
  return db.query<CancelRequested>(sql`
    select distinct on (j.id) j.id as "jobId", c.actor, c.reason
    from control c join job j on j.id = c.job_id
    where c.verb = 'cancel' and c.lifted_at is null and c.at > now() - interval '30 days' and j.state <> 1
      and ${isFree('cancelled_job', sql`j.id`)}
    order by j.id, c.id limit ${limit}
  `);
}

/** A live job that works on, or is about, a merge request that has ended. */
export interface LeftBehind {
  readonly jobId: number;
  readonly running: boolean;
  readonly inReview: boolean;
  readonly merged: boolean;
  /** The number of the merge request. */
  readonly number: number;
}

/** Jobs whose merge request is over; a running one only until it was told. */
export function listLeftBehind(db: Queryable, limit: number): Promise<LeftBehind[]> {
  return db.query<LeftBehind>(sql`
    select j.id as "jobId", j.state = 1 as running, j.state = 4 as "inReview", m.state = 'merged' as merged, m.number
    from job j join merge_request m on m.id = j.merge_request_id
    where j.merge_request_id is not null and m.state <> 'open'
      and not (j.state = 2 and j.wait_reason = 'parent')
      and not (j.state = 1 and exists (select from control c where c.job_id = j.id and c.verb = 'cancel' and c.lifted_at is null))
      and ${isFree('left_behind_job', sql`j.id`)}
    order by j.id limit ${limit}
  `);
}

/** Open merge requests whose newest job has ended without ending them. */
export async function listAbandonedMergeRequests(db: Queryable, limit: number): Promise<number[]> {
  const rows = await db.query<{ id: number }>(sql`
    select m.id from merge_request m
    where m.state = 'open' and not exists (select from job j where j.id = m.job_id)
      and ${isFree('merge_request', sql`m.id`)}
    order by m.id limit ${limit}
  `);
  return rows.map(({ id }) => id);
}

/** Open gates of jobs that have ended. */
export async function listForgottenGates(db: Queryable, limit: number): Promise<number[]> {
  const rows = await db.query<{ id: number }>(sql`
    select g.id from gate g
    where g.state = 'open' and g.job_id is not null and not exists (select from job j where j.id = g.job_id)
      and ${isFree('forgotten_gate', sql`g.id`)}
    order by g.id limit ${limit}
  `);
  return rows.map(({ id }) => id);
}
