import type { Condition } from '../domain/conditions.ts';
import type { Queryable } from './db.ts';
import type { Repo } from './repos.ts';
import { sql } from './sql.ts';

/** A repository whose turn it is to be looked at. */
export interface DueRepo extends Repo {
  readonly head: string | null;
  /** What the last verdict depended on: file, schema version, policy. */
  readonly observedDigest: string | null;
  readonly revisionId: number | null;
  readonly failures: number;
  readonly missingReads: number;
  readonly suspended: string | null;
  /** The digest of the plan whose retirements a person confirmed. */
  readonly confirmedPrune: string | null;
  /** Somebody asked for it, so it is read even when nothing moved. */
  readonly dirty: boolean;
  readonly dirtyAt: Date | null;
  readonly conditions: readonly Condition[];
}

/**
 * Takes the repositories that are due, dirty ones first, and puts their next look `pollMs` ahead, in one
 * statement: an unchanged repository costs nothing more. Reconcilers beside this one take others.
 */
export function takeDueRepos(
  db: Queryable,
  { pollMs, limit }: { pollMs: number; limit: number },
): Promise<DueRepo[]> {
  return db.query<DueRepo>(sql`
    with due as (
      select s.repo_id from repo_sync s join repo r on r.id = s.repo_id
      where s.next_at <= now() and r.removed_at is null
      order by s.priority desc, s.next_at
      limit ${limit}
      for update of s skip locked
    )
    update repo_sync s
    set next_at = now() + ${pollMs}::float8 * interval '1 millisecond', checked_at = now(), priority = 0
    from due join repo on repo.id = due.repo_id
    where s.repo_id = due.repo_id
    returning repo.id, repo.path, repo.forge, repo.location, repo.branch, s.head,
      s.observed_digest as "observedDigest", s.revision_id as "revisionId", s.failures,
      s.missing_reads as "missingReads", s.suspended, s.confirmed_prune as "confirmedPrune", s.dirty_at is not null as dirty, s.dirty_at as "dirtyAt",
      s.conditions
  `);
}

/** Milliseconds until the next repository is due, by the database's clock; undefined when there is none. */
export async function msUntilNextRepo(db: Queryable): Promise<number | undefined> {
  const [row] = await db.query<{ ms: number | null }>(sql`
    select extract(epoch from min(s.next_at) - now())::float8 * 1000 as ms
    from repo_sync s join repo r on r.id = s.repo_id where r.removed_at is null
  `);
  return row?.ms ?? undefined;
}

/** Asks for a look at once; `priority` is raised in place, so a thousand asks are one look. */
export async function markDirty(
  db: Queryable,
  repoIds: readonly number[],
  { priority }: { priority: number },
): Promise<void> {
  await db.query(sql`
    update repo_sync
    set dirty_at = coalesce(dirty_at, now()), next_at = least(next_at, now()),
        priority = greatest(priority, ${priority}::smallint)
    where repo_id = any (${repoIds}::int[])
  `);
}

/** Lets a plan retire more than the guard allows, once: only the plan with this digest. */
export async function confirmPrune(db: Queryable, repoId: number, digest: string): Promise<void> {
  await db.query(sql`update repo_sync set confirmed_prune = ${digest} where repo_id = ${repoId}`);
}

/** Takes the right to write what comes of a look. Undefined while somebody else has it. */
export async function takeLease(
  db: Queryable,
  { repoId, owner, leaseMs }: { repoId: number; owner: string; leaseMs: number },
): Promise<number | undefined> {
  const [row] = await db.query<{ epoch: number }>(sql`
    update repo_sync
    set lease_owner = ${owner}, lease_until = now() + ${leaseMs}::float8 * interval '1 millisecond', epoch = epoch + 1
    where repo_id = ${repoId} and (lease_until is null or lease_until < now())
    returning epoch
  `);
  return row?.epoch;
}

/** Gives the lease back; a lost one changes nothing. */
export async function releaseLease(
  db: Queryable,
  { repoId, epoch }: { repoId: number; epoch: number },
): Promise<void> {
  await db.query(sql`
    update repo_sync set lease_until = null, lease_owner = null where repo_id = ${repoId} and epoch = ${epoch}
  `);
}

/** Locks the row when the lease is still ours. False: somebody took over, and nothing may be written. */
export async function holdsLease(
  tx: Queryable,
  { repoId, epoch }: { repoId: number; epoch: number },
): Promise<boolean> {
  const rows = await tx.query(sql`
    select 1 from repo_sync where repo_id = ${repoId} and epoch = ${epoch} and lease_until > now() for update
  `);
  return rows.length > 0;
}

/** What one look found out. Keys that are left out stay as they are. */
export interface SyncOutcome {
  readonly repoId: number;
  readonly epoch: number;
  readonly head?: string;
  readonly observedDigest?: string | null;
  readonly revisionId?: number | null;
  readonly failures: number;
  readonly missingReads: number;
  readonly suspended?: string | null;
  readonly conditions: readonly Condition[];
  readonly diagnostics?: readonly unknown[];
  /** The ask that this look answered; a later one stays. */
  readonly answeredDirtyAt: Date | null;
  /** Look again after this long; left out: at the next poll. */
  readonly againInMs?: number;
}

/** Writes the outcome in one place, fenced by the lease. False when the lease was lost. */
export async function recordOutcome(tx: Queryable, outcome: SyncOutcome): Promise<boolean> {
  const keep = (value: unknown): boolean => value === undefined;
  const rows = await tx.query(sql`
    update repo_sync set
      head = coalesce(${outcome.head ?? null}, head),
      observed_digest = case when ${keep(outcome.observedDigest)} then observed_digest else ${outcome.observedDigest ?? null} end,
      revision_id = case when ${keep(outcome.revisionId)} then revision_id else ${outcome.revisionId ?? null}::bigint end,
      failures = ${outcome.failures},
      missing_reads = ${outcome.missingReads},
      suspended = case when ${keep(outcome.suspended)} then suspended else ${outcome.suspended ?? null} end,
      conditions = ${JSON.stringify(outcome.conditions)}::jsonb,
      diagnostics = case when ${keep(outcome.diagnostics)} then diagnostics
                    else ${JSON.stringify(outcome.diagnostics ?? [])}::jsonb end,
      -- JavaScript's dates end at milliseconds, Postgres's at microseconds.
      dirty_at = case when date_trunc('milliseconds', dirty_at) <= ${outcome.answeredDirtyAt}::timestamptz then null else dirty_at end,
      next_at = case when ${outcome.againInMs ?? null}::float8 is null then next_at
                else now() + ${outcome.againInMs ?? null}::float8 * interval '1 millisecond' end
    where repo_id = ${outcome.repoId} and epoch = ${outcome.epoch}
    returning 1
  `);
  return rows.length > 0;
}
