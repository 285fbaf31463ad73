import type { Agent } from '../domain/agent.ts';
import { agentCode, agentOf } from '../domain/agent.ts';
import type { BreakerEvent } from '../domain/breaker.ts';
import { HALF_OPEN_AFTER_MS, nextBreaker } from '../domain/breaker.ts';
import { formatJobId } from '../domain/job-id.ts';
import type { Db, Queryable } from './db.ts';
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
      probe_job = null,
      reason = coalesce(excluded.reason, breaker.reason)
  `);
  if (trips) {
    const until = new Date(now.getTime() + HALF_OPEN_AFTER_MS);
    await setHold(tx, { repoId, agent, kind: 'breaker', reason, until });
  }
  return trips;
}

/** Lanes whose breaker has tripped. One of them that takes work is half open: one job may try. */
export async function listTripped(
  db: Queryable,
  lanes: readonly { readonly repoId: number; readonly agent: Agent }[],
): Promise<{ repoId: number; agent: Agent }[]> {
  const rows = await db.query<{ repoId: number; agent: number }>(sql`
    select repo_id as "repoId", agent::int as agent from breaker
    where tripped_at is not null and (repo_id, agent) in (
      select * from unnest(${lanes.map(({ repoId }) => repoId)}::int[],
        ${lanes.map(({ agent }) => agentCode(agent))}::smallint[]))
  `);
  return rows.map(({ repoId, agent }) => ({ repoId, agent: agentOf(agent) }));
}

/** Lets one job try a half-open lane: the lane is held again until that job says how it went. */
export async function startProbe(
  tx: Queryable,
  { id, repoId, agent }: { id: number; repoId: number; agent: Agent },
): Promise<void> {
  await tx.query(sql`
    update breaker set probe_job = ${id}::bigint where repo_id = ${repoId} and agent = ${agentCode(agent)}
  `);
  const reason = `${formatJobId(id)} tries whether it works again; the others wait for it`;
  await setHold(tx, { repoId, agent, kind: 'breaker', reason });
}

/**
 * Frees lanes whose trying job neither runs nor publishes any more and has not said how it went (it was cancelled, or
 * waits for its next attempt): another one may try. Answers how many.
 */
export async function endStaleProbes(db: Db): Promise<number> {
  const stale = sql`probe_job is not null and not exists (
    select from job j where j.id = breaker.probe_job and j.state in (1, 3))`;
  const lanes = await db.query<{ repoId: number; agent: number }>(sql`
    select repo_id as "repoId", agent::int as agent from breaker where ${stale}
  `);
  for (const { repoId, agent } of lanes) {
    await db.transaction(async (tx) => {
      // The lane first, as everywhere; what counted for the breaker meanwhile has ended the probe itself.
      await tx.query(
        sql`select 1 from lane where repo_id = ${repoId} and agent = ${agent} for update`,
      );
      const ended = await tx.query(sql`
        update breaker set probe_job = null where repo_id = ${repoId} and agent = ${agent} and ${stale} returning 1
      `);
      if (ended.length > 0) {
        await liftHold(tx, { repoId, agent: agentOf(agent), kind: 'breaker' });
      }
    });
  }
  return lanes.length;
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
