import type { Queryable } from '../db.ts';
import { sql } from '../sql.ts';

/** A commit that we know, in one repository: what a job brought, or a state of autodev.yaml, or both. */
export interface KnownCommit {
  repoId: number;
  path: string;
  commit: string;
  /** The newest job whose work it is; null: of none. */
  jobId: number | null;
  /** The revision that it is, the newest reading of it; null: it is none. */
  revisionId: number | null;
}

/** More are not told apart for anybody: they are asked for more digits. */
const MOST_CANDIDATES = 10;

/**
 * The commits that begin with `prefix`: heads of what workers made, of merge requests, what was merged, and
 * revisions of autodev.yaml.
 */
export function findCommit(
  db: Queryable,
  prefix: string,
  { repoId }: { repoId?: number | undefined } = {},
): Promise<KnownCommit[]> {
  // Two bounds, not `like`: an index serves these whatever the text is. All hex digits sort before `g`.
  const end = `${prefix}g`;
  const ofRepo = repoId === undefined ? sql`true` : sql`k.repo_id = ${repoId}`;
  return db.query<KnownCommit>(sql`
    with k as (
      select repo_id, head as commit, job_id, null::bigint as revision_id from artifact
        where head ~>=~ ${prefix} and head ~<~ ${end}
      union all
      select repo_id, head, job_id, null from merge_request where head ~>=~ ${prefix} and head ~<~ ${end}
      union all
      select repo_id, merged_commit, job_id, null from merge_request
        where merged_commit ~>=~ ${prefix} and merged_commit ~<~ ${end}
      union all
      select repo_id, commit, null, id from revision where commit ~>=~ ${prefix} and commit ~<~ ${end}
    )
    select k.repo_id as "repoId", coalesce(r.path, '(removed)') as path, k.commit, max(k.job_id) as "jobId",
      max(k.revision_id) as "revisionId"
    from k left join repo r on r.id = k.repo_id
    where ${ofRepo}
    group by k.repo_id, r.path, k.commit
    order by k.repo_id, k.commit limit ${MOST_CANDIDATES}`);
}
