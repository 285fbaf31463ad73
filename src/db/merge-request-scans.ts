import type { Queryable } from './db.ts';
import type { Repo } from './repos.ts';
import { sql } from './sql.ts';

/** A repository whose merge requests are to be listed. */
export interface DueScan {
  readonly repo: Repo;
  /** Those that changed before were seen; null: none was. */
  readonly since: Date | null;
  readonly startedAt: Date;
}

/**
 * Takes repositories of GitLab whose merge requests were not listed for `everyMs`, new ones first, and puts their next
 * turn that far ahead. A scan that fails is put back by `repeatScan`.
 */
export function takeDueScans(
  db: Queryable,
  { everyMs, limit }: { everyMs: number; limit: number },
): Promise<DueScan[]> {
  return db.query<DueScan>(sql`
    with due as (
      select r.id, r.path, r.forge, r.location, r.branch, m.since
      from repo r left join merge_request_scan m on m.repo_id = r.id
      where r.forge = 'gitlab' and r.removed_at is null and coalesce(m.next_at <= now(), true)
      order by m.next_at nulls first
      limit ${limit}
    ), taken as (
      insert into merge_request_scan as m (repo_id, next_at)
      select id, now() + ${everyMs}::float8 * interval '1 millisecond' from due order by id
      -- Another process took it since.
      on conflict (repo_id) do update set next_at = excluded.next_at where m.next_at <= now()
      returning repo_id
    )
    select jsonb_build_object('id', id, 'path', path, 'forge', forge, 'location', location, 'branch', branch) as repo,
      since, now() as "startedAt"
    from due join taken on taken.repo_id = due.id
  `);
}

/** Everything that changed before `startedAt` was seen. */
export async function finishScan(
  db: Queryable,
  { repo, startedAt }: Pick<DueScan, 'repo' | 'startedAt'>,
): Promise<void> {
  await db.query(sql`
    update merge_request_scan set since = ${startedAt} where repo_id = ${repo.id}
  `);
}

/** It failed: once more after `inMs`. */
export async function repeatScan(
  db: Queryable,
  { repo }: Pick<DueScan, 'repo'>,
  { inMs }: { inMs: number },
): Promise<void> {
  await db.query(sql`
    update merge_request_scan set next_at = now() + ${inMs}::float8 * interval '1 millisecond'
    where repo_id = ${repo.id}
  `);
}
