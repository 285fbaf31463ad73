import type { Queryable } from './db.ts';
import type { Repo } from './repos.ts';
import { sql } from './sql.ts';

/** A thing that somebody has to read from the forge. */
export interface TakenHint {
  readonly id: number;
  /** What `hintKey` made. */
  readonly subject: string;
  readonly receivedAt: Date;
  /** When the repository was registered: what happened before is nobody's business. */
  readonly registeredAt: Date;
  /** This one included. */
  readonly tries: number;
  readonly repo: Repo;
}

/**
 * Takes hints that wait, and those that somebody took and gave up, the oldest first; others skip them for `leaseMs`.
 * What arrives about the same thing from now on is a hint of its own.
 */
export function takeHints(
  db: Queryable,
  { limit, leaseMs }: { limit: number; leaseMs: number },
): Promise<TakenHint[]> {
  return db.query<TakenHint>(sql`
    with free as (
      select id from forge_hint where taken_until is null or taken_until < now()
      order by taken_until nulls first, id limit ${limit} for update skip locked
    ), taken as (
      update forge_hint h
      set taken_until = now() + ${leaseMs}::float8 * interval '1 millisecond', tries = tries + 1
      from free where h.id = free.id
      returning h.*
    )
    select t.id, t.subject, t.received_at as "receivedAt", r.created_at as "registeredAt", t.tries,
      jsonb_build_object('id', r.id, 'path', r.path, 'forge', r.forge, 'location', r.location, 'branch', r.branch) as repo
    from taken t join repo r on r.id = t.repo_id order by t.id
  `);
}

/** Asks for a look at things; those that somebody asked for already and nobody began with are left as they are. */
export async function addHints(
  tx: Queryable,
  hints: readonly { repoId: number; subject: string }[],
): Promise<void> {
  if (hints.length > 0) {
    await tx.query(sql`
      insert into forge_hint (repo_id, subject)
      select distinct * from unnest(
        ${hints.map(({ repoId }) => repoId)}::int[], ${hints.map(({ subject }) => subject)}::text[]
      ) as t(repo_id, subject) order by 1, 2
      on conflict (repo_id, subject) where taken_until is null do nothing
    `);
  }
}

export async function deleteHint(tx: Queryable, id: number): Promise<void> {
  await tx.query(sql`delete from forge_hint where id = ${id}`);
}

/** Not now: again after `againInMs`, or never by itself where that is undefined. */
export async function putOffHint(
  db: Queryable,
  id: number,
  { againInMs, error }: { againInMs: number | undefined; error: string },
): Promise<void> {
  await db.query(sql`
    update forge_hint set error = ${error}, taken_until = case when ${againInMs ?? null}::float8 is null
      then 'infinity' else now() + ${againInMs ?? null}::float8 * interval '1 millisecond' end
    where id = ${id}
  `);
}
