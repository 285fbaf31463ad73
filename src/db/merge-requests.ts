import type { Queryable } from './db.ts';
import { isFree } from './setbacks.ts';
import { sql } from './sql.ts';

export interface MergeRequest {
  readonly id: number;
  readonly repoId: number;
  /** Counts from 1 in each repository. */
  readonly number: number;
  /** The newest job that works on it. */
  readonly jobId: number;
  readonly rootId: number;
  readonly branch: string;
  readonly base: string;
  readonly head: string;
  readonly title: string;
  readonly description: string;
  readonly state: 'open' | 'merged' | 'closed';
  readonly mergedCommit: string | null;
}

const columns = sql`merge_request.id, merge_request.repo_id as "repoId", merge_request.number,
  merge_request.job_id as "jobId", merge_request.root_id as "rootId", merge_request.branch, merge_request.base,
  merge_request.head, merge_request.title, merge_request.description, merge_request.state,
  merge_request.merged_commit as "mergedCommit"`;

/**
 * Opens a merge request, or brings the open one of the branch to a new head: one branch has one at a time.
 * Numbers are given out under the repository's row lock, so that none is used twice.
 */
export async function openMergeRequest(
  tx: Queryable,
  request: Omit<MergeRequest, 'id' | 'number' | 'state' | 'mergedCommit'> & {
    /** The forge's own; left out: the next one here. */
    readonly number?: number | undefined;
  },
): Promise<MergeRequest> {
  await tx.query(sql`select 1 from repo where id = ${request.repoId} for no key update`);
  const [row] = await tx.query<MergeRequest>(sql`
    insert into merge_request (repo_id, number, job_id, root_id, branch, base, head, title, description)
    values (${request.repoId},
      coalesce(${request.number ?? null}::int,
        (select coalesce(max(number), 0) + 1 from merge_request where repo_id = ${request.repoId})),
      ${request.jobId}, ${request.rootId}, ${request.branch}, ${request.base}, ${request.head}, ${request.title},
      ${request.description})
    on conflict (repo_id, branch) where state = 'open' do update
    set job_id = excluded.job_id, head = excluded.head, title = excluded.title,
        description = excluded.description, updated_at = now()
    returning ${columns}
  `);
  if (!row) {
    throw new Error('an insert with `returning` answered no row');
  }
  return row;
}

export async function findMergeRequest(
  db: Queryable,
  id: number,
): Promise<MergeRequest | undefined> {
  const [row] = await db.query<MergeRequest>(sql`
    select ${columns} from merge_request where id = ${id}
  `);
  return row;
}

/** The one of ours with the number that its repository gave it. */
export async function findMergeRequestNumbered(
  db: Queryable,
  repoId: number,
  number: number,
): Promise<MergeRequest | undefined> {
  const [row] = await db.query<MergeRequest>(sql`
    select ${columns} from merge_request where repo_id = ${repoId} and number = ${number}
  `);
  return row;
}

/** Locks a merge request until the transaction ends; its job is locked before it. */
export async function lockMergeRequest(
  tx: Queryable,
  id: number,
): Promise<MergeRequest | undefined> {
  const [row] = await tx.query<MergeRequest>(sql`
    select ${columns} from merge_request where id = ${id} for no key update
  `);
  return row;
}

/** Every open merge request of a kind of forge, for the watch over their branches. */
export function listOpenMergeRequests(
  db: Queryable,
  forge: 'local' | 'gitlab',
): Promise<MergeRequest[]> {
  return db.query<MergeRequest>(sql`
    select ${columns} from merge_request join repo on repo.id = merge_request.repo_id
    where merge_request.state = 'open' and repo.forge = ${forge} and repo.removed_at is null
      and ${isFree('branch', sql`merge_request.id`)}
    order by merge_request.id
  `);
}

/** Brings an open merge request to what a later job published for it, perhaps on a branch of another name. */
export async function continueMergeRequest(
  tx: Queryable,
  id: number,
  next: Pick<MergeRequest, 'jobId' | 'branch' | 'head' | 'title' | 'description'>,
): Promise<MergeRequest | undefined> {
  const [row] = await tx.query<MergeRequest>(sql`
    update merge_request
    set job_id = ${next.jobId}, branch = ${next.branch}, head = ${next.head}, title = ${next.title},
        description = ${next.description}, updated_at = now()
    where id = ${id} and state = 'open'
    returning ${columns}
  `);
  return row;
}

/** Says which job works on a merge request from now on. */
export async function assignMergeRequest(tx: Queryable, id: number, jobId: number): Promise<void> {
  await tx.query(
    sql`update merge_request set job_id = ${jobId}, updated_at = now() where id = ${id}`,
  );
}

/** A person's commits on our branch: the merge request follows, and votes for the old head no longer count. */
export async function moveMergeRequest(tx: Queryable, id: number, head: string): Promise<void> {
  await tx.query(sql`update merge_request set head = ${head}, updated_at = now() where id = ${id}`);
}

/** Ends a merge request once; false when it was not open any more. */
export async function closeMergeRequest(
  tx: Queryable,
  id: number,
  end: { state: 'merged'; commit: string; by: string } | { state: 'closed' },
): Promise<boolean> {
  const rows = await tx.query(sql`
    update merge_request
    set state = ${end.state}, closed_at = now(), updated_at = now(),
        merged_commit = ${end.state === 'merged' ? end.commit : null},
        merged_by = ${end.state === 'merged' ? end.by : null}
    where id = ${id} and state = 'open'
    returning 1
  `);
  return rows.length > 0;
}

/** Writes on the job which merge request and branch carry its work. */
export async function attachMergeRequest(
  tx: Queryable,
  jobId: number,
  { id, branch }: Pick<MergeRequest, 'id' | 'branch'>,
): Promise<void> {
  await tx.query(sql`
    update job set merge_request_id = ${id}, branch = ${branch} where id = ${jobId}::bigint
  `);
}
