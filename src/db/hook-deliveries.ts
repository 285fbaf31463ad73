import type { Queryable } from './db.ts';
import { sql } from './sql.ts';

/** The channel that wakes who follows hints. */
export const HINT_CHANNEL = 'hint';

/** One delivery of a GitLab hook, as far as it is kept. */
export interface HookDelivery {
  /** GitLab's id of the project. */
  readonly project: string;
  /** The same for every attempt of one delivery. */
  readonly key: string;
  /** What it is about (`hintKey`); undefined: there is nothing to be read but perhaps the default branch. */
  readonly subject: string | undefined;
  /** `refs/heads/…` or `refs/tags/…` of a push. */
  readonly ref: string | undefined;
  /** Where a push left the ref, as the delivery says. */
  readonly head: string | undefined;
}

export interface StoredDelivery {
  /** Undefined: no repository of ours has this project. */
  readonly repoId: number | undefined;
  /** False: the same delivery came before. */
  readonly isNew: boolean;
}

/**
 * No repository is looked at more often than this because of hooks: a storm of them is a look each second, and what
 * follows from a push waits so much longer at most.
 */
const LOOK_EVERY = sql`interval '1 second'`;

/**
 * Stores deliveries once each, with the hints that follow, and makes repositories due whose default branch was
 * pushed to. One statement, so that many deliveries cost one commit; answers in the order of `deliveries`. Rows are
 * written in the order of their keys: two callers with the same ones would wait for each other in a circle.
 */
export async function insertDeliveries(
  db: Queryable,
  deliveries: readonly HookDelivery[],
): Promise<StoredDelivery[]> {
  const rows = await db.query<{ n: number; repoId: number; isNew: boolean }>(sql`
    with given as materialized (
      select t.n::int as n, r.id as repo_id, t.key, t.subject, t.head, t.ref = 'refs/heads/' || r.branch as is_default
      from unnest(
        ${deliveries.map(({ project }) => project)}::text[],
        ${deliveries.map(({ key }) => key)}::text[],
        ${deliveries.map(({ subject }) => subject ?? null)}::text[],
        ${deliveries.map(({ ref }) => ref ?? null)}::text[],
        ${deliveries.map(({ head }) => head ?? null)}::text[]
      ) with ordinality as t(project, key, subject, ref, head, n)
      -- Each by its key, here and below: a plan for all of them together reads every repository there is.
      cross join lateral (
        select id, branch from repo where forge = 'gitlab' and location = t.project and removed_at is null limit 1
      ) r
    ), made as materialized (
      insert into hook_delivery (repo_id, key)
      select distinct repo_id, key from given order by repo_id, key
      on conflict do nothing
      returning repo_id, key
    ), fresh as materialized (
      select given.* from given join made using (repo_id, key)
    ), hinted as (
      insert into forge_hint (repo_id, subject)
      select distinct repo_id, subject from fresh where subject is not null order by repo_id, subject
      on conflict (repo_id, subject) where taken_until is null do nothing
    ), due as materialized (
      -- One that is due soon enough stays as it is, unlocked: in a storm that is nearly every one.
      select d.repo_id from (
        select repo_id, array_agg(head) as heads from fresh where is_default group by repo_id order by repo_id
      ) f cross join lateral (
        select s.repo_id from repo_sync s
        where s.repo_id = f.repo_id and s.next_at > greatest(now(), s.checked_at + ${LOOK_EVERY})
          and not (f.heads <@ array[s.head])
        limit 1 for update
      ) d
    ), looked as (
      update repo_sync s
      set next_at = greatest(now(), s.checked_at + ${LOOK_EVERY}), priority = greatest(s.priority, 1::smallint)
      from due where s.repo_id = due.repo_id
    )
    select given.n, given.repo_id as "repoId", made.key is not null as "isNew"
    from given left join made using (repo_id, key)
  `);
  const byPosition = new Map(rows.map(({ n, ...stored }) => [n, stored]));
  const seen = new Set<string>();
  return deliveries.map(({ key }, i) => {
    const stored = byPosition.get(i + 1);
    if (!stored) {
      return { repoId: undefined, isNew: false };
    }
    const once = `${stored.repoId} ${key}`;
    const isNew = stored.isNew && !seen.has(once);
    seen.add(once);
    return { repoId: stored.repoId, isNew };
  });
}

/** Forgets deliveries that came more than `days` ago. Answers how many. */
export async function deleteOldDeliveries(
  db: Queryable,
  { days }: { days: number },
): Promise<number> {
  const rows = await db.query(sql`
    delete from hook_delivery where received_at < now() - ${days}::int * interval '1 day' returning 1
  `);
  return rows.length;
}
