import type { RepoSpec } from '../domain/spec.ts';
import { AppError } from '../kernel/errors.ts';
import type { Queryable } from './db.ts';
import type { Sql } from './sql.ts';
import { ALWAYS, sql } from './sql.ts';

type RevisionState = 'applied' | 'invalid' | 'held' | 'superseded';

export interface NewRevision {
  readonly repoId: number;
  readonly commit: string;
  /** Path to blob sha, for every file that was read. */
  readonly blobs: Readonly<Record<string, string>>;
  readonly digest: string;
  readonly state: RevisionState;
  readonly spec: RepoSpec | undefined;
  readonly source: string;
  readonly author: string;
  readonly subject: string;
  readonly plan: unknown;
  readonly diagnostics: readonly unknown[];
  readonly hold?: unknown;
}

/** Records one state of the file. The same commit read again with the same result is the same row. */
export async function recordRevision(tx: Queryable, revision: NewRevision): Promise<number> {
  const [row] = await tx.query<{ id: number }>(revisionInsert(revision));
  if (!row) {
    throw new Error('an insert with `returning` answered no row');
  }
  return row.id;
}

/** The statement of recordRevision. It writes only when `from`, an item of a `from` clause, has a row. */
export function revisionInsert(revision: NewRevision, from: Sql = ALWAYS): Sql {
  return sql`
    insert into revision (repo_id, commit, blobs, digest, state, spec, source, author, subject, plan, diagnostics, hold, applied_at)
    select ${revision.repoId}::int, ${revision.commit}::text, ${JSON.stringify(revision.blobs)}::jsonb, ${revision.digest}::text,
      ${revision.state}::text, ${revision.spec ? JSON.stringify(revision.spec) : null}::jsonb, ${revision.source}::text,
      ${revision.author}::text, ${revision.subject}::text, ${JSON.stringify(revision.plan ?? null)}::jsonb,
      ${JSON.stringify(revision.diagnostics)}::jsonb, ${JSON.stringify(revision.hold ?? null)}::jsonb,
      case when ${revision.state}::text = 'applied' then now() end
    from ${from}
    on conflict (repo_id, commit, digest) do update
    set state = excluded.state, spec = excluded.spec, diagnostics = excluded.diagnostics, hold = excluded.hold,
        -- The plan that brought it: read again, the same file changes nothing.
        plan = coalesce(nullif(revision.plan, 'null'), excluded.plan), applied_at = coalesce(revision.applied_at, excluded.applied_at)
    returning id
  `;
}

/** A revision without its spec: what says whether another commit brings anything new. */
export interface RevisionFiles {
  readonly id: number;
  readonly commit: string;
  readonly digest: string;
  readonly blobs: Readonly<Record<string, string>>;
}

/** What a repository runs on now. */
export interface RevisionInForce extends RevisionFiles {
  readonly spec: RepoSpec;
}

/** The revision in force, or undefined before the first one was applied. */
export async function findRevisionInForce(
  db: Queryable,
  repoId: number,
): Promise<RevisionInForce | undefined> {
  const [row] = await db.query<RevisionInForce>(sql`
    select r.id, r.commit, r.digest, r.spec, r.blobs
    from repo_sync s join revision r on r.id = s.revision_id
    where s.repo_id = ${repoId}
  `);
  return row;
}

/** As findRevisionInForce; throws CONFLICT where there is none. */
export async function getRevisionInForce(db: Queryable, repoId: number): Promise<RevisionInForce> {
  const revision = await findRevisionInForce(db, repoId);
  if (!revision) {
    throw await notInForce(db, repoId);
  }
  return revision;
}

/** Not yet read is no failure: it passes by itself within a second or two. */
async function notInForce(db: Queryable, repoId: number): Promise<AppError> {
  const [sync] = await db.query<{ read: boolean }>(sql`
    select head is not null or failures > 0 as read from repo_sync where repo_id = ${repoId}
  `);
  return sync?.read === false
    ? new AppError('BUSY', 'this repository is being read for the first time', {
        remedy: 'Try again in a moment.',
        details: { repoId },
      })
    : new AppError('CONFLICT', 'no autodev.yaml of this repository is in force', {
        remedy: 'See what is wrong with it: `autodev status`.',
        details: { repoId },
      });
}

/** A revision that came after a plan, as far as its merge request is told. */
export interface LaterRevision {
  readonly id: number;
  readonly commit: string;
  readonly digest: string;
  readonly state: RevisionState;
  readonly blobs: Readonly<Record<string, string>>;
  readonly diagnostics: readonly unknown[];
  readonly hold: unknown;
  readonly appliedAt: Date | null;
}

/**
 * The newest revisions whose file at `path` is `blob`, ten at most: those after revision `after`, or where that is not
 * known, those since `since`.
 */
export function listRevisionsOf(
  db: Queryable,
  {
    repoId,
    path,
    blob,
    after,
    since,
  }: { repoId: number; path: string; blob: string; after: number | null; since: Date },
): Promise<LaterRevision[]> {
  return db.query<LaterRevision>(sql`
    select id, commit, digest, state, blobs, diagnostics, hold, applied_at as "appliedAt"
    from revision
    where repo_id = ${repoId} and blobs ->> ${path} = ${blob}
      and case when ${after}::bigint is null then created_at > ${since}::timestamptz - interval '1 minute'
        else id > ${after}::bigint end
    order by id desc limit 10
  `);
}

/** When a revision came into force; undefined: never. */
export async function getAppliedAt(db: Queryable, id: number): Promise<Date | undefined> {
  const [row] = await db.query<{ at: Date | null }>(sql`
    select applied_at as at from revision where id = ${id}
  `);
  return row?.at ?? undefined;
}
