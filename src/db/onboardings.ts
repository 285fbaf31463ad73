import type { Queryable } from './db.ts';
import type { Repo } from './repos.ts';
import { sql } from './sql.ts';

type OnboardingState = 'wanted' | 'open' | 'merged' | 'declined' | 'superseded';

export interface Onboarding {
  readonly state: OnboardingState;
  readonly number: number | null;
  readonly endedBy: string | null;
}

/** An offer whose turn it is. */
export interface DueOnboarding extends Onboarding {
  readonly repo: Repo;
  readonly epoch: number;
  readonly failures: number;
  /** How often it was asked for, from 1: each has a branch of its own. */
  readonly round: number;
  /** The default branch's head; null before it was read. */
  readonly head: string | null;
  readonly hasRevision: boolean;
}

export async function findOnboarding(
  db: Queryable,
  repoId: number,
): Promise<Onboarding | undefined> {
  const [row] = await db.query<Onboarding>(sql`
    select state, number, ended_by as "endedBy" from onboarding where repo_id = ${repoId}
  `);
  return row;
}

/** Asks for an offer. One that is wanted or open stays as it is; one that ended is made anew. */
export async function wantOnboarding(
  tx: Queryable,
  { repoId, by }: { repoId: number; by: string },
): Promise<void> {
  await tx.query(sql`
    insert into onboarding as o (repo_id, asked_by) values (${repoId}, ${by})
    on conflict (repo_id) do update set
      state = 'wanted', asked_by = excluded.asked_by, asked_at = now(), number = null, ended_by = null, round = o.round + 1,
      due_at = now(), failures = 0, error = null, updated_at = now()
    where o.state not in ('wanted', 'open')
  `);
}

export function takeDueOnboardings(
  db: Queryable,
  { leaseMs, limit }: { leaseMs: number; limit: number },
): Promise<DueOnboarding[]> {
  return db.query<DueOnboarding>(sql`
    with due as (
      select o.repo_id from onboarding o join repo r on r.id = o.repo_id
      where o.state in ('wanted', 'open') and o.due_at <= now() and (o.lease_until is null or o.lease_until < now())
        and r.forge = 'gitlab' and r.removed_at is null
      order by o.due_at limit ${limit} for update of o skip locked
    )
    update onboarding o
    set lease_until = now() + ${leaseMs}::float8 * interval '1 millisecond', epoch = o.epoch + 1
    from due join repo r on r.id = due.repo_id join repo_sync s on s.repo_id = due.repo_id
    where o.repo_id = due.repo_id
    returning jsonb_build_object('id', r.id, 'path', r.path, 'forge', r.forge, 'location', r.location, 'branch', r.branch)
        as repo,
      o.state, o.number, o.ended_by as "endedBy", o.epoch, o.failures, o.round, s.head,
      s.revision_id is not null as "hasRevision"
  `);
}

/** Writes where an offer stands and ends the lease. False: the lease was lost. */
export async function settleOnboarding(
  tx: Queryable,
  { repo, epoch }: Pick<DueOnboarding, 'repo' | 'epoch'>,
  outcome: {
    state: OnboardingState;
    number?: number;
    endedBy?: string | undefined;
    againInMs: number;
    error?: string;
  },
): Promise<boolean> {
  const rows = await tx.query(sql`
    update onboarding set
      state = ${outcome.state}, number = coalesce(${outcome.number ?? null}::int, number),
      ended_by = ${outcome.endedBy ?? null}::text, error = ${outcome.error ?? null}::text,
      failures = case when ${outcome.error ?? null}::text is null then 0 else failures + 1 end,
      due_at = now() + ${outcome.againInMs}::float8 * interval '1 millisecond', lease_until = null, updated_at = now()
    where repo_id = ${repo.id} and epoch = ${epoch}
    returning 1
  `);
  return rows.length > 0;
}
