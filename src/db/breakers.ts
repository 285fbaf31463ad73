import type { Agent } from '../domain/agent.ts';
import { agentCode } from '../domain/agent.ts';
import type { BreakerEvent } from '../domain/breaker.ts';
import { HALF_OPEN_AFTER_MS, nextBreaker } from '../domain/breaker.ts';
import type { Queryable } from './db.ts';
import { liftHold, setHold } from './holds.ts';
import { sql } from './sql.ts';

/**
 * Counts the end of a job for its lane's breaker, and holds the lane where that trips it. True when it tripped now.
 * Locks the lane, so it comes after everything that locks jobs; budget windows may follow.
 */
export async function recordForBreaker(
  tx: Queryable,
  { repoId, agent }: { repoId: number; agent: Agent },
  event: BreakerEvent,
  now: Date,
): Promise<boolean> {
  const code = agentCode(agent);
  if (event === 'progress') {
    const closed = await tx.query(sql`
      delete from breaker where repo_id = ${repoId} and agent = ${code} returning 1
    `);
    if (closed.length > 0) {
      await liftHold(tx, { repoId, agent, kind: 'breaker' });
    }
    return false;
  }

  // The lane first: whoever counts for it holds it, so two counts never wait for each other in a circle.
  await tx.query(sql`select 1 from lane where repo_id = ${repoId} and agent = ${code} for update`);
  const [row] = await tx.query<{ failures: number; idleRuns: number; trippedAt: Date | null }>(sql`
    select failures::int as failures, idle_runs::int as "idleRuns", tripped_at as "trippedAt"
    from breaker where repo_id = ${repoId} and agent = ${code}
  `);
  const before = {
    failures: row?.failures ?? 0,
    idleRuns: row?.idleRuns ?? 0,
    trippedAt: row?.trippedAt?.getTime(),
  };
  const after = nextBreaker(before, event, now.getTime());
  const trips = after.trippedAt === now.getTime();
  const reason =
    event === 'failure'
      ? `${after.failures} jobs in a row failed`
      : `${after.idleRuns} jobs in a row led to nothing`;
  const trippedAt = after.trippedAt === undefined ? null : new Date(after.trippedAt);
  await tx.query(sql`
    insert into breaker (repo_id, agent, failures, idle_runs, tripped_at, reason)
    values (${repoId}, ${code}, ${after.failures}, ${after.idleRuns}, ${trippedAt}, ${trips ? reason : null})
    on conflict (repo_id, agent) do update set
      failures = excluded.failures, idle_runs = excluded.idle_runs, tripped_at = excluded.tripped_at,
      reason = coalesce(excluded.reason, breaker.reason)
  `);
  if (trips) {
    const until = new Date(now.getTime() + HALF_OPEN_AFTER_MS);
    await setHold(tx, { repoId, agent, kind: 'breaker', reason, until });
  }
  return trips;
}

/** Forgets what went wrong in a lane, and lets it take work again. */
export async function resetBreaker(
  tx: Queryable,
  { repoId, agent }: { repoId: number; agent: Agent },
): Promise<void> {
  await tx.query(sql`
    delete from breaker where repo_id = ${repoId} and agent = ${agentCode(agent)}
  `);
  await liftHold(tx, { repoId, agent, kind: 'breaker' });
}
