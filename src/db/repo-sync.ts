import type { Condition } from '../domain/conditions.ts';
import { AppError } from '../kernel/errors.ts';
import type { Queryable } from './db.ts';
import type { Repo } from './repos.ts';
import type { RevisionFiles } from './revisions.ts';
import type { Sql } from './sql.ts';
import { ALWAYS, sql } from './sql.ts';

/** The channel that wakes reconcilers. */
export const REPO_CHANNEL = 'repo';

/** A repository whose turn it is to be looked at, with what says whether it needs more than a look. */
export interface DueRepo extends Repo {
  readonly head: string | null;
  /** What the last verdict depended on beside the file: schema, policy. */
  readonly observedDigest: string | null;
  readonly failures: number;
  readonly missingReads: number;
  /**
   * When somebody asked for it, so that it is read even when nothing moved; null: nobody did. As the database
   * writes it: a Date would drop the microseconds, and two asks in one millisecond would be one.
   */
  readonly dirtyAt: string | null;
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
      s.observed_digest as "observedDigest", s.failures, s.missing_reads as "missingReads",
      s.dirty_at::text as "dirtyAt"
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

/**
 * Asks for a look at once that reads the file whether or not the head moved. Marks fold into one: each look
 * answers all that came before it, and one that comes during a look is answered by the next.
 */
export async function markDirty(
  db: Queryable,
  repoIds: readonly number[],
  { priority }: { priority: number },
): Promise<void> {
  await db.query(sql`
    with marked as (
      -- The clock, not now(): a mark that had to wait for the row's lock is later than the look it waited for.
      update repo_sync
      set dirty_at = clock_timestamp(), next_at = least(next_at, now()),
          priority = greatest(priority, ${priority}::smallint)
      where repo_id = any (${repoIds}::int[])
      returning 1
    )
    select pg_notify(${REPO_CHANNEL}, '') from marked limit 1
  `);
}

/** Asks for a look at the head at once; when it did not move that is all. For hints, which may be wrong. */
export async function makeDue(db: Queryable, repoIds: readonly number[]): Promise<void> {
  await db.query(sql`
    with marked as (
      update repo_sync set next_at = least(next_at, now()), priority = greatest(priority, 1::smallint)
      where repo_id = any (${repoIds}::int[])
      returning 1
    )
    select pg_notify(${REPO_CHANNEL}, '') from marked limit 1
  `);
}

/** As `sync` prints it: enough hex digits that nobody confirms by accident. */
const CONFIRMATION = /^[0-9a-f]{12,64}$/;

/**
 * Lets a plan retire more than the guard allows, once: only the one whose digest begins so. INVALID_REQUEST when
 * it cannot be the beginning of one.
 */
export async function confirmPrune(db: Queryable, repoId: number, digest: string): Promise<void> {
  if (!CONFIRMATION.test(digest)) {
    throw new AppError('INVALID_REQUEST', `${digest} is no digest of a plan`, {
      remedy: 'Copy the one that `autodev status` shows (at least 12 hex digits).',
    });
  }
  await db.query(sql`update repo_sync set confirmed_prune = ${digest} where repo_id = ${repoId}`);
  await markDirty(db, [repoId], { priority: 2 });
}

/** The right to write what comes of a look, with what was known when it was given. */
export interface Lease {
  readonly epoch: number;
  /** The database's time when it was given. */
  readonly now: Date;
  /** The revision in force; null before the first. */
  readonly inForce: RevisionFiles | null;
  readonly failures: number;
  /** Reads in a row that found no file, at most 2. */
  readonly missingReads: number;
  readonly suspended: string | null;
  /** The digest of the retirements that a person confirmed. */
  readonly confirmedPrune: string | null;
  readonly conditions: readonly Condition[];
}

/**
 * Takes the right to write what comes of a look. Undefined while another owner has it, or when somebody looked
 * since `head` was known: what would be written then is older than what stands. The repository is then due as
 * soon as the lease ends. An owner that comes again takes over from itself (it was restarted).
 */
export async function takeLease(
  db: Queryable,
  {
    repoId,
    owner,
    leaseMs,
    head,
  }: { repoId: number; owner: string; leaseMs: number; head: string | null },
): Promise<Lease | undefined> {
  const [lease] = await db.query<Lease>(sql`
    update repo_sync s
    set lease_owner = ${owner}, lease_until = now() + ${leaseMs}::float8 * interval '1 millisecond', epoch = epoch + 1
    from repo r
    where s.repo_id = ${repoId} and r.id = s.repo_id and r.removed_at is null
      and (s.lease_until is null or s.lease_until < now() or s.lease_owner = ${owner})
      and s.head is not distinct from ${head}::text
    returning s.epoch, now() as now, s.failures, s.missing_reads as "missingReads", s.suspended,
      s.confirmed_prune as "confirmedPrune", s.conditions,
      (select jsonb_build_object('id', v.id, 'commit', v.commit, 'digest', v.digest, 'blobs', v.blobs)
       from revision v where v.id = s.revision_id) as "inForce"
  `);
  if (!lease) {
    await db.query(sql`
      update repo_sync set next_at = least(next_at, greatest(now(), lease_until)) where repo_id = ${repoId}
    `);
  }
  return lease;
}

/** Gives the lease back without an outcome; a lost one changes nothing. */
export async function releaseLease(
  db: Queryable,
  { repoId, epoch }: { repoId: number; epoch: number },
): Promise<void> {
  await db.query(sql`
    update repo_sync set lease_until = null, lease_owner = null where repo_id = ${repoId} and epoch = ${epoch}
  `);
}

/** What one look found out. Keys that are left out stay as they are. */
export interface SyncOutcome {
  readonly repoId: number;
  readonly epoch: number;
  readonly head?: string;
  readonly observedDigest?: string;
  readonly revisionId?: number;
  readonly failures: number;
  readonly missingReads: number;
  readonly suspended?: string | null;
  /** The confirmation was used up. */
  readonly pruned?: boolean;
  readonly conditions: readonly Condition[];
  readonly diagnostics?: readonly unknown[];
  /** The ask that this look answered; a later one stays and makes the repository due at once. */
  readonly answeredDirtyAt: string | null;
  /** Look again after this long; left out: at the next poll. */
  readonly againInMs?: number;
}

/** Writes the outcome and ends the lease, fenced by it. False when the lease was lost. */
export async function recordOutcome(tx: Queryable, outcome: SyncOutcome): Promise<boolean> {
  const rows = await tx.query(outcomeUpdate(outcome));
  return rows.length > 0;
}

/** The statement of recordOutcome. It writes only when `from`, an item of a `from` clause, has a row. */
export function outcomeUpdate(
  outcome: Omit<SyncOutcome, 'revisionId'> & { readonly revisionId?: number | Sql },
  from: Sql = ALWAYS,
): Sql {
  const { suspended, diagnostics, answeredDirtyAt: answered, againInMs: again = null } = outcome;
  return sql`
    update repo_sync set
      head = coalesce(${outcome.head ?? null}::text, head),
      observed_digest = coalesce(${outcome.observedDigest ?? null}::text, observed_digest),
      revision_id = coalesce(${outcome.revisionId ?? null}::bigint, revision_id),
      failures = ${outcome.failures},
      missing_reads = ${outcome.missingReads},
      suspended = case when ${suspended === undefined}::boolean then suspended else ${suspended ?? null}::text end,
      confirmed_prune = case when ${outcome.pruned === true}::boolean then null else confirmed_prune end,
      conditions = ${JSON.stringify(outcome.conditions)}::jsonb,
      diagnostics = coalesce(${diagnostics === undefined ? null : JSON.stringify(diagnostics)}::jsonb, diagnostics),
      dirty_at = case when dirty_at > coalesce(${answered}::timestamptz, '-infinity') then dirty_at end,
      answered_at = greatest(answered_at, ${answered}::timestamptz),
      next_at = case
        when dirty_at > coalesce(${answered}::timestamptz, '-infinity') then least(next_at, now())
        when ${again}::float8 is not null then now() + ${again}::float8 * interval '1 millisecond'
        else next_at end,
      lease_until = null, lease_owner = null
    from ${from}
    where repo_sync.repo_id = ${outcome.repoId} and epoch = ${outcome.epoch}
    returning 1
  `;
}

/** Makes a look that is under way write nothing, and the next one start from nothing. For the end of a registration. */
export async function endSync(tx: Queryable, repoId: number): Promise<void> {
  await tx.query(sql`
    update repo_sync set epoch = epoch + 1, lease_until = null, lease_owner = null, observed_digest = null,
      head = null, missing_reads = 0, failures = 0, confirmed_prune = null
    where repo_id = ${repoId}
  `);
}
