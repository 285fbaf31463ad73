import type { Agent } from '../domain/agent.ts';
import { agentCode, agentOf } from '../domain/agent.ts';
import type { Queryable } from './db.ts';
import type { HoldKind } from './holds.ts';
import { lockPauses } from './pause-lock.ts';
import type { Sql } from './sql.ts';
import { sql } from './sql.ts';

export interface LaneLimit {
  readonly agent: Agent;
  readonly maxRunning: number;
}

/** Makes the lanes of a repository's agents and sets their limits. Locks every lane that is named, in order. */
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

/**
 * Locks all lanes of a repository in order: whoever is to lock several one by one, or makes some, calls this first.
 * A pause that is being written is waited for: a lane that is made next must not miss it.
 */
export async function lockLanes(tx: Queryable, repoId: number): Promise<void> {
  await lockPauses(tx, 'who_makes_lanes');
  await tx.query(sql`select 1 from lane where repo_id = ${repoId} order by agent for update`);
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
  `);
}

/** A lane as its file left it. */
export interface Lane extends LaneLimit {
  /** The holds that follow from the file, with their reasons: one of each kind at most. */
  readonly holds: Readonly<Partial<Record<FileHold, string>>>;
}

/** Holds that the reconciler alone sets and lifts. */
export const FILE_HOLDS = ['suspended', 'disabled', 'removed'] as const satisfies HoldKind[];

export type FileHold = (typeof FILE_HOLDS)[number];

export interface RepoLanes {
  readonly lanes: readonly Lane[];
  readonly slots: number;
}

/** A row of laneRows; `agent` is null where a repository has no lane. */
export interface LaneRow {
  readonly agent: number | null;
  readonly maxRunning: number;
  readonly slots: number;
  readonly holds: Lane['holds'];
}

/**
 * The statement for the lanes that a repository has, whether they take work or not, in the order in which they are
 * locked, and how many jobs it may run over all of them; `toLanes` reads its rows.
 */
export function laneRows(repoId: number): Sql {
  return sql`
    select l.agent::int as agent, l.max_running as "maxRunning", s.max_running as slots, coalesce((
      select jsonb_object_agg(h.kind, h.reason) from lane_hold h
      where h.repo_id = l.repo_id and h.agent = l.agent and h.kind = any (${FILE_HOLDS}::text[])
    ), '{}') as holds
    from repo_slot s left join lane l on l.repo_id = s.repo_id
    where s.repo_id = ${repoId} order by l.agent
  `;
}

export function toLanes(rows: readonly LaneRow[]): RepoLanes {
  const lanes = rows.flatMap(({ agent, maxRunning, holds }) =>
    agent === null ? [] : [{ agent: agentOf(agent), maxRunning, holds }],
  );
  return { lanes, slots: rows[0]?.slots ?? 0 };
}
