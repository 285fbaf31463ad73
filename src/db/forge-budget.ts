import type { Queryable } from './db.ts';
import { sql } from './sql.ts';

/**
 * Takes one request from the budget of a host, which all processes share. Answers 0 when it may be sent now, else the
 * milliseconds until it is worth asking again; nothing is taken then.
 *
 * @param perMinute how many requests all of us together send in a minute, where the forge has not said less
 */
export async function takeForgeRequest(
  db: Queryable,
  { host, perMinute }: { host: string; perMinute: number },
): Promise<number> {
  // One statement, so that the row's lock is held for its own time only.
  const [taken] = await db.query<{ host: string }>(sql`
    insert into forge_budget as budget (host, window_ends, remaining)
    values (${host}, now() + interval '1 minute', ${perMinute}::int - 1)
    on conflict (host) do update set
      remaining = case when budget.window_ends <= now() then ${perMinute}::int else budget.remaining end - 1,
      window_ends = case when budget.window_ends <= now() then now() + interval '1 minute' else budget.window_ends end
    where (budget.blocked_until is null or budget.blocked_until <= now())
      and (budget.window_ends <= now() or budget.remaining > 0)
    returning host
  `);
  if (taken) {
    return 0;
  }
  const [row] = await db.query<{ ms: number }>(sql`
    select ceil(1000 * extract(epoch from greatest(
      blocked_until, case when remaining <= 0 then window_ends end
    ) - now()))::int as ms from forge_budget where host = ${host}
  `);
  // It may have become free between the two statements.
  return Math.max(row?.ms ?? 0, 1);
}

/** What the forge says is left of its own window. It only ever lowers what we allow ourselves. */
export async function lowerForgeBudget(
  db: Queryable,
  { host, remaining, resetMs }: { host: string; remaining: number; resetMs: number },
): Promise<void> {
  await db.query(sql`
    update forge_budget set
      remaining = least(case when window_ends > now() then remaining end, ${remaining}::int),
      window_ends = now() + interval '1 ms' * ${resetMs}
    where host = ${host}
  `);
}

/** Nobody sends anything to the host for so long; a longer block stays. */
export async function blockForge(
  db: Queryable,
  { host, ms }: { host: string; ms: number },
): Promise<void> {
  await db.query(sql`
    insert into forge_budget as budget (host, window_ends, remaining, blocked_until)
    values (${host}, now(), 0, now() + interval '1 ms' * ${ms})
    on conflict (host) do update set blocked_until = greatest(budget.blocked_until, excluded.blocked_until)
  `);
}
