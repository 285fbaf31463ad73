import type { Static } from 'typebox';
import { Type } from 'typebox';

import { agentOf } from '../../domain/agent.ts';
import type { Queryable } from '../db.ts';
import { sql } from '../sql.ts';
import type { Page } from './wire.ts';
import { AgentName, RepoRef, Time, orNull, page, repoRef, time } from './wire.ts';

/** Lanes are keyed by two columns; the cursor is both in one number. */
const AGENT_CODES = 16;

export const AgentLane = Type.Object({
  repo: RepoRef,
  agent: AgentName,
  max_running: Type.Integer(),
  running: Type.Integer(),
  ready: Type.Integer({ description: 'Queued jobs' }),
  holds: Type.Array(
    Type.Object({
      kind: Type.String(),
      reason: Type.String(),
      actor: orNull(Type.String()),
      until: orNull(Time),
    }),
    { description: 'Why it takes no work' },
  ),
  breaker: orNull(
    Type.Object({
      failures: Type.Integer(),
      idle_runs: Type.Integer({ description: 'Runs without progress, in a row' }),
      tripped_at: orNull(Time),
      reason: orNull(Type.String()),
    }),
  ),
});

/** An agent on a repository: its queue, and what keeps it. */
export type AgentLane = Static<typeof AgentLane>;

interface LaneRow {
  repo_id: number;
  path: string;
  agent: number;
  max_running: number;
  running: number;
  ready: number;
  holds: AgentLane['holds'];
  breaker: AgentLane['breaker'];
}

/** Agents by repository, in the order of the roles. */
export async function listAgentLanes(
  db: Queryable,
  { repoId }: { repoId?: number | undefined },
  { limit, after = 0 }: { limit: number; after?: number | undefined },
): Promise<Page<AgentLane>> {
  const ofRepo = repoId === undefined ? sql`true` : sql`l.repo_id = ${repoId}`;
  const rows = await db.query<LaneRow>(sql`
    select l.repo_id, r.path, l.agent, l.max_running, l.running, l.ready,
      coalesce((select jsonb_agg(jsonb_build_object('kind', h.kind, 'reason', h.reason, 'actor', h.actor,
                                                    'until', h.until) order by h.created_at)
                from lane_hold h where h.repo_id = l.repo_id and h.agent = l.agent), '[]') as holds,
      (select jsonb_build_object('failures', b.failures, 'idle_runs', b.idle_runs,
                                 'tripped_at', b.tripped_at, 'reason', b.reason)
       from breaker b where b.repo_id = l.repo_id and b.agent = l.agent) as breaker
    from lane l join repo r on r.id = l.repo_id and r.removed_at is null
    where ${ofRepo}
      and (l.repo_id, l.agent) > (${Math.floor(after / AGENT_CODES)}::bigint, ${after % AGENT_CODES}::smallint)
    order by l.repo_id, l.agent limit ${limit + 1}`);

  return page(rows, limit, {
    key: (row) => row.repo_id * AGENT_CODES + row.agent,
    item: ({ repo_id: id, path, agent, holds, breaker, ...row }) => ({
      ...row,
      repo: repoRef(id, path),
      agent: agentOf(agent),
      holds: holds.map((hold) => ({ ...hold, until: utc(hold.until) })),
      breaker: breaker && { ...breaker, tripped_at: utc(breaker.tripped_at) },
    }),
  });
}

/** Inside `jsonb` a time has the zone of the session. */
function utc(at: string | null): string | null {
  return at === null ? null : time(new Date(at));
}
