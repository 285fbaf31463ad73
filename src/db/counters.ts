import type { Db, Queryable } from './db.ts';
import { sql } from './sql.ts';

const REPOS_AT_ONCE = 100;

/**
 * Recomputes `ready` and `running` of every lane and slot from the jobs and returns how many counters were
 * wrong. Anything but 0 is a bug in what moves jobs: a net, so that a lane does not stand still for ever.
 *
 * Takes some repositories at a time, so that claims pass by on the others.
 */
export async function recountCounters(db: Db): Promise<number> {
  let drift = 0;
  let after = Number.MIN_SAFE_INTEGER;
  for (;;) {
    const rows = await db.query<{ repo_id: number }>(sql`
      select repo_id from repo_slot where repo_id > ${after}::bigint order by repo_id limit ${REPOS_AT_ONCE}::int
    `);
    const last = rows.at(-1);
    if (last === undefined) {
      return drift;
    }
    const repos = rows.map((row) => row.repo_id);
    drift += await db.transaction((tx) => recount(tx, repos));
    after = last.repo_id;
  }
}

/**
 * Whoever changes a job's state holds its lane's lock until the commit, so under the locks the jobs and the
 * counters agree. The counts are statements of their own: their snapshot must begin after the locks are had.
 */
async function recount(tx: Queryable, repos: readonly number[]): Promise<number> {
  await tx.query(sql`
    select 1 from lane where repo_id = any (${repos}::int[]) order by repo_id, agent for update
  `);
  await tx.query(sql`
    select 1 from repo_slot where repo_id = any (${repos}::int[]) order by repo_id for update
  `);
  const lanes = await tx.query(sql`
    with actual as materialized (
      select repo_id, agent, count(*) filter (where state = 0)::int as ready,
        count(*) filter (where state = 1)::int as running
      from job where repo_id = any (${repos}::int[]) and state in (0, 1) group by repo_id, agent
    )
    update lane l set ready = coalesce(a.ready, 0), running = coalesce(a.running, 0)
    from lane same left join actual a using (repo_id, agent)
    where l.repo_id = any (${repos}::int[]) and same.repo_id = l.repo_id and same.agent = l.agent
      and (l.ready, l.running) is distinct from (coalesce(a.ready, 0), coalesce(a.running, 0))
    returning 1
  `);
  const slots = await tx.query(sql`
    with actual as materialized (
      select repo_id, count(*)::int as running
      from job where repo_id = any (${repos}::int[]) and state = 1 group by repo_id
    )
    update repo_slot s set running = coalesce(a.running, 0)
    from repo_slot same left join actual a using (repo_id)
    where s.repo_id = any (${repos}::int[]) and same.repo_id = s.repo_id
      and s.running <> coalesce(a.running, 0)
    returning 1
  `);
  return lanes.length + slots.length;
}
