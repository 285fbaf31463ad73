import type { Agent } from '../domain/agent.ts';
import { agentCode } from '../domain/agent.ts';
import type { Queryable } from './db.ts';
import { sql } from './sql.ts';

export interface LaneLimit {
  readonly agent: Agent;
  readonly maxRunning: number;
}

/** Makes the lanes of a repository's agents and sets their limits, touching only those that differ. */
export async function setLaneLimits(
  tx: Queryable,
  repoId: number,
  lanes: readonly LaneLimit[],
): Promise<void> {
  const codes = lanes.map(({ agent }) => agentCode(agent));
  const limits = lanes.map(({ maxRunning }) => maxRunning);
  await tx.query(sql`
    insert into lane (repo_id, agent, max_running)
    select ${repoId}, t.agent, t.max_running
    from unnest(${codes}::smallint[], ${limits}::int[]) t(agent, max_running)
    order by t.agent
    on conflict (repo_id, agent) do update set max_running = excluded.max_running
    where lane.max_running <> excluded.max_running
  `);
}

/** How many jobs of a repository may run at once, over all its agents. */
export async function setRepoSlots(
  tx: Queryable,
  repoId: number,
  maxRunning: number,
): Promise<void> {
  await tx.query(sql`
    insert into repo_slot (repo_id, max_running) values (${repoId}, ${maxRunning})
    on conflict (repo_id) do update set max_running = excluded.max_running
    where repo_slot.max_running <> excluded.max_running
  `);
}

/** The agents that a repository has lanes for, whether they take work or not. */
export async function listLaneAgents(db: Queryable, repoId: number): Promise<number[]> {
  const rows = await db.query<{ agent: number }>(sql`
    select agent from lane where repo_id = ${repoId} order by agent
  `);
  return rows.map(({ agent }) => agent);
}
