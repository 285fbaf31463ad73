import type { Queryable } from './db.ts';
import type { JobRecord, JobRow } from './job-rows.ts';
import { jobRow } from './job-rows.ts';
import type { MergeRequest } from './merge-requests.ts';
import { isFree } from './setbacks.ts';
import { sql } from './sql.ts';

/** A root job and everything that followed from it (successors, hand-offs, events that it caused), oldest first. */
export async function listChain(db: Queryable, rootId: number): Promise<JobRow[]> {
  const rows = await db.query<JobRecord>(sql`
    select j.*, null::timestamptz as ended_at from job j where j.id = ${rootId}::bigint or j.root_id = ${rootId}::bigint
    union all
    select d.* from job_done d where d.id = ${rootId}::bigint or d.root_id = ${rootId}::bigint
    order by id
  `);
  return rows.map(jobRow);
}

/**
 * Since when the time of a chain runs, by job: since its root was made, or since a person last put it on (a retry,
 * asked-for changes). Only for jobs that followed from another one; a root's own is its `createdAt`.
 */
export async function listChainStarts(
  db: Queryable,
  jobs: readonly Pick<JobRow, 'id' | 'rootId'>[],
): Promise<Map<number, Date>> {
  const followers = jobs.filter(({ id, rootId }) => id !== rootId);
  if (followers.length === 0) {
    return new Map();
  }
  const rows = await db.query<{ id: number; since: Date | null }>(sql`
    select q.id, (
      select max(c.created_at) from (
        select id, trigger, created_at from job where id = q.root_id or root_id = q.root_id
        union all
        select id, trigger, created_at from job_done where id = q.root_id or root_id = q.root_id
      ) c
      where c.id <= q.id and (c.id = q.root_id or (
        c.trigger ->> 'kind' in ('manual', 'retry', 'replay', 'changes') and c.trigger ->> 'actor' <> 'autodev'))
    ) as since
    from unnest(${followers.map(({ id }) => id)}::bigint[], ${followers.map(({ rootId }) => rootId)}::bigint[]) q(id, root_id)
  `);
  // A root past its retention says nothing any more.
  return new Map(rows.flatMap(({ id, since }) => (since === null ? [] : [[id, since]])));
}

/** A hand-off whose parent is settled: its effects are done, or it ended some other way. */
export interface ReadyChild {
  readonly id: number;
  readonly parentId: number;
  /** False: the parent came to nothing, and so does the hand-off. */
  readonly start: boolean;
}

/** Hand-offs that need not wait for their parent any longer. */
export function listReadyChildren(db: Queryable, limit: number): Promise<ReadyChild[]> {
  return db.query<ReadyChild>(sql`
    select c.id, c.parent_id as "parentId", coalesce(d.state = 10, true) as start
    from job c
    left join job p on p.id = c.parent_id
    left join job_done d on d.id = c.parent_id
    where c.parent_id is not null and c.state = 2 and c.wait_reason = 'parent' and ${isFree('handed_off_job', sql`c.id`)}
      and (p.id is null or p.state = 4 or (p.state = 2 and p.wait_reason = 'question'))
    order by c.id limit ${limit}
  `);
}

/**
 * Points a hand-off at what its parent published, so that it works at that head and on that branch. A merge request
 * that is merged by now is only what it is about: it begins at the default branch.
 */
export async function setSubject(
  tx: Queryable,
  jobId: number,
  request: Pick<MergeRequest, 'id' | 'number' | 'branch' | 'head' | 'state'>,
): Promise<void> {
  const works = request.state === 'open';
  await tx.query(sql`
    update job set base = ${works ? request.head : null}, branch = ${works ? request.branch : null},
      merge_request_id = ${works ? request.id : null}::bigint,
      subject = ${JSON.stringify({ kind: 'merge_request', id: request.number })}::jsonb
    where id = ${jobId}::bigint
  `);
}

/** Whether a job publishes on a merge request at this moment, so that its branch may be ahead of what is recorded. */
export async function isPublishing(db: Queryable, mergeRequestId: number): Promise<boolean> {
  const rows = await db.query(sql`
    select 1 from job where merge_request_id = ${mergeRequestId}::bigint and state + 0 = 3 limit 1
  `);
  return rows.length > 0;
}
