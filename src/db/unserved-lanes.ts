import type { Agent } from '../domain/agent.ts';
import { agentOf } from '../domain/agent.ts';
import type { Queryable } from './db.ts';
import { sql } from './sql.ts';

/** A lane whose hold `no_runner` does not say what is true now. */
export interface WronglyServed {
  readonly repoId: number;
  readonly agent: Agent;
  /** Whether a live runner has one of the agent's providers. */
  readonly served: boolean;
  readonly providers: readonly string[];
}

/**
 * Lanes that no live runner can serve and are not held for it, and those that are held although one can. While no
 * runner lives at all nothing is held: that is a state of the fleet, and passes with the next start.
 */
export async function listWronglyServed(db: Queryable): Promise<WronglyServed[]> {
  const rows = await db.query<{
    repoId: number;
    agent: number;
    served: boolean;
    providers: string[];
  }>(sql`
    with live as materialized (
      select agents, providers from runner where state = 'active' and lease_until > now()
    ), lanes as materialized (
      select l.repo_id, l.agent,
        array(select p ->> 'name' from jsonb_array_elements(c.spec -> 'providers') p) as providers,
        exists (select from lane_hold h
                where h.repo_id = l.repo_id and h.agent = l.agent and h.kind = 'no_runner') as held
      from lane l
      join config_object c on c.repo_id = l.repo_id and c.kind = 'agent' and c.retired_at is null
        and c.name = (array['pm', 'architect', 'builder', 'reviewer', 'tester', 'security', 'devops', 'bug-finder'])[l.agent]
    ), judged as (
      select lanes.*, exists (
        select from live where lanes.agent = any (live.agents) and lanes.providers && live.providers) as served
      from lanes
    )
    select repo_id as "repoId", agent::int as agent, served, providers from judged
    where served = held and exists (select from live)
    order by repo_id, agent
  `);
  return rows.map((row) => ({ ...row, agent: agentOf(row.agent) }));
}
