import type { Condition } from '../domain/conditions.ts';
import type { ConfigObject } from '../domain/plan.ts';
import type { Queryable } from './db.ts';
import type { Repo } from './repos.ts';
import { sql } from './sql.ts';

/** The channel that wakes who plans. */
export const PLAN_CHANNEL = 'config_plan';

export type PlanState =
  /** Nobody looked yet. */
  | 'new'
  /** Touches no file of the configuration. */
  | 'unrelated'
  | 'planned'
  | 'unchanged'
  | 'invalid'
  /** Both sides changed the same file. */
  | 'stale'
  /** Merged; what came of it is not known yet. */
  | 'merged'
  | 'applied'
  /** In force, and not what was planned. */
  | 'differs'
  /** Merged, and not in force: invalid, or held until people looked. */
  | 'refused'
  | 'closed';

/** An object as it was planned, without what it says. */
export type PlannedObject = Pick<ConfigObject, 'kind' | 'name' | 'hash'>;

/** A merge request whose turn it is, and what is known about its repository. */
export interface DuePlan {
  readonly repo: Repo;
  readonly number: number;
  readonly state: PlanState;
  readonly epoch: number;
  readonly failures: number;
  /** As the database writes it, with microseconds; null: nobody asked, but what it depended on is another. */
  readonly askedAt: string | null;
  readonly head: string | null;
  readonly digest: string | null;
  readonly objects: readonly PlannedObject[] | null;
  readonly mergedAt: Date | null;
  /** Of the default branch, as the reconciler saw it last. */
  readonly targetHead: string | null;
  readonly revisionId: number | null;
  /** The revision in force that the plan was made against. */
  readonly plannedOn: number | null;
  readonly conditions: readonly Condition[];
}

/** Says that something happened to a merge request: it is looked at soon. Any number of times is once. */
export async function markMergeRequests(
  db: Queryable,
  repoId: number,
  numbers: readonly number[],
): Promise<void> {
  await db.query(sql`
    with marked as (
      insert into config_plan (repo_id, number)
      select ${repoId}, n from unnest(${numbers}::int[]) n order by n
      on conflict (repo_id, number) do update
      set asked_at = clock_timestamp(), due_at = least(config_plan.due_at, now())
      returning 1
    )
    select pg_notify(${PLAN_CHANNEL}, '') from marked limit 1
  `);
}

/**
 * Leases merge requests that somebody asked about, and those whose verdict depended on what is another now: the
 * default branch's head, the revision in force, or `inputs`.
 */
export function takeDuePlans(
  db: Queryable,
  { inputs, leaseMs, limit }: { inputs: string; leaseMs: number; limit: number },
): Promise<DuePlan[]> {
  return db.query<DuePlan>(sql`
    with due as (
      select p.repo_id, p.number
      from config_plan p join repo r on r.id = p.repo_id join repo_sync s on s.repo_id = p.repo_id
      where p.due_at <= now() and (p.lease_until is null or p.lease_until < now())
        and r.forge = 'gitlab' and r.removed_at is null
        and (p.asked_at is not null or (
          p.state in ('planned', 'unchanged', 'invalid', 'stale')
          and (p.target_head is distinct from s.head or p.revision_id is distinct from s.revision_id
            or p.inputs is distinct from ${inputs}::text)))
      order by p.due_at
      limit ${limit} for update of p skip locked
    )
    update config_plan p
    set lease_until = now() + ${leaseMs}::float8 * interval '1 millisecond', epoch = p.epoch + 1
    from due join repo r on r.id = due.repo_id join repo_sync s on s.repo_id = due.repo_id
    where p.repo_id = due.repo_id and p.number = due.number
    returning jsonb_build_object('id', r.id, 'path', r.path, 'forge', r.forge, 'location', r.location, 'branch', r.branch)
        as repo,
      p.number, p.state, p.epoch, p.failures, p.asked_at::text as "askedAt", p.head, p.digest, p.objects,
      p.merged_at as "mergedAt", s.head as "targetHead", s.revision_id as "revisionId", p.revision_id as "plannedOn",
      s.conditions
  `);
}

/** What a look found. Keys that are left out stay as they are. */
export interface PlanOutcome {
  readonly state: PlanState;
  readonly head?: string;
  readonly targetHead?: string | null;
  readonly revisionId?: number | null;
  readonly inputs?: string;
  readonly digest?: string;
  readonly objects?: readonly PlannedObject[];
  readonly mergedCommit?: string;
  readonly mergedAt?: Date | undefined;
  /** It is not over: look again after this long, asked or not. */
  readonly againInMs?: number;
}

type Leased = Pick<DuePlan, 'repo' | 'number' | 'epoch' | 'askedAt'>;

/** Writes what a look found and ends its lease. False: the lease was lost, and nothing is written. */
export async function settlePlan(
  tx: Queryable,
  { repo, number, epoch, askedAt }: Leased,
  outcome: PlanOutcome,
): Promise<boolean> {
  const { againInMs: again = null, objects } = outcome;
  const rows = await tx.query(sql`
    update config_plan set
      state = ${outcome.state},
      head = coalesce(${outcome.head ?? null}::text, head),
      target_head = case when ${outcome.targetHead === undefined}::boolean then target_head else ${outcome.targetHead ?? null}::text end,
      revision_id = case when ${outcome.revisionId === undefined}::boolean then revision_id else ${outcome.revisionId ?? null}::bigint end,
      inputs = coalesce(${outcome.inputs ?? null}::text, inputs),
      digest = coalesce(${outcome.digest ?? null}::text, digest),
      objects = coalesce(${objects ? JSON.stringify(objects) : null}::jsonb, objects),
      merged_commit = coalesce(${outcome.mergedCommit ?? null}::text, merged_commit),
      merged_at = coalesce(${outcome.mergedAt ?? null}::timestamptz, merged_at),
      failures = 0, error = null, updated_at = now(), lease_until = null,
      asked_at = case
        when asked_at > coalesce(${askedAt}::timestamptz, '-infinity') then asked_at
        when ${again}::float8 is not null then clock_timestamp() end,
      due_at = case
        when asked_at > coalesce(${askedAt}::timestamptz, '-infinity') then now()
        else now() + coalesce(${again}::float8, 0) * interval '1 millisecond' end
    where repo_id = ${repo.id} and number = ${number} and epoch = ${epoch}
    returning 1
  `);
  return rows.length > 0;
}

/** Gives a merge request back that could not be looked at, to be tried again. */
export async function postponePlan(
  db: Queryable,
  { repo, number, epoch }: Leased,
  { error, againInMs }: { error: string; againInMs: number },
): Promise<void> {
  await db.query(sql`
    update config_plan set
      failures = failures + 1, error = ${error}, lease_until = null, asked_at = coalesce(asked_at, clock_timestamp()),
      due_at = now() + ${againInMs}::float8 * interval '1 millisecond'
    where repo_id = ${repo.id} and number = ${number} and epoch = ${epoch}
  `);
}

/** The other merge requests of a repository that change its configuration and are open. */
export async function listOpenPlans(
  db: Queryable,
  { repoId, except }: { repoId: number; except: number },
): Promise<number[]> {
  const rows = await db.query<{ number: number }>(sql`
    select number from config_plan
    where repo_id = ${repoId} and number <> ${except} and state in ('planned', 'unchanged', 'invalid', 'stale')
    order by number
  `);
  return rows.map(({ number }) => number);
}
