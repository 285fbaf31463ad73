import type { Agent } from '../domain/agent.ts';
import { agentCode } from '../domain/agent.ts';
import type { Breaker } from '../domain/breaker.ts';
import { CLOSED_BREAKER } from '../domain/breaker.ts';
import type { Queryable } from './db.ts';
import { sql } from './sql.ts';

interface Lane {
  readonly repoId: number;
  readonly agent: Agent;
}

/** The breaker of a lane, locked until the transaction ends; closed where nothing went wrong yet. */
export async function lockBreaker(tx: Queryable, { repoId, agent }: Lane): Promise<Breaker> {
  const [row] = await tx.query<{ failures: number; idleRuns: number; trippedAt: Date | null }>(sql`
    select failures::int as failures, idle_runs::int as "idleRuns", tripped_at as "trippedAt"
    from breaker where repo_id = ${repoId} and agent = ${agentCode(agent)} for update
  `);
  return row ? { ...row, trippedAt: row.trippedAt?.getTime() } : CLOSED_BREAKER;
}

export async function saveBreaker(
  tx: Queryable,
  { repoId, agent, breaker, reason }: Lane & { breaker: Breaker; reason: string },
): Promise<void> {
  const trippedAt = breaker.trippedAt === undefined ? null : new Date(breaker.trippedAt);
  await tx.query(sql`
    insert into breaker (repo_id, agent, failures, idle_runs, tripped_at, reason)
    values (${repoId}, ${agentCode(agent)}, ${breaker.failures}, ${breaker.idleRuns}, ${trippedAt}, ${reason})
    on conflict (repo_id, agent) do update
    set failures = excluded.failures, idle_runs = excluded.idle_runs, tripped_at = excluded.tripped_at,
        reason = excluded.reason
  `);
}

/** Forgets what went wrong in a lane. */
export async function closeBreaker(tx: Queryable, { repoId, agent }: Lane): Promise<void> {
  await tx.query(sql`
    delete from breaker where repo_id = ${repoId} and agent = ${agentCode(agent)}
  `);
}
