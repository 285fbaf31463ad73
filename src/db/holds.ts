import type { Agent } from '../domain/agent.ts';
import { agentCode } from '../domain/agent.ts';
import type { Db, Queryable } from './db.ts';
import type { Sql } from './sql.ts';
import { sql } from './sql.ts';

/** Why a lane takes no work; a lane may have one hold of each kind. */
export type HoldKind =
  | 'paused'
  | 'suspended'
  | 'disabled'
  | 'removed'
  | 'breaker'
  | 'merge_requests'
  | 'bypassed'
  | 'no_runner';

/** Lanes: all, those of a repository, or one. */
export interface LaneScope {
  readonly repoId?: number;
  /** Only with `repoId`. */
  readonly agent?: Agent;
}

interface Hold {
  readonly repoId: number;
  /** Absent: every lane that the repository has now. */
  readonly agent?: Agent;
  readonly kind: HoldKind;
  /** One sentence for people. */
  readonly reason: string;
  /** Who asked for it; absent for our own. */
  readonly actor?: string;
  /** When it ends by itself (`liftDue`). */
  readonly until?: Date;
}

/**
 * Holds lanes: nothing more is claimed from them; what runs goes on. A hold of the same kind is replaced.
 * Returns how many lanes it covers. Locks lanes: no job may be locked after it in the same transaction.
 */
export async function setHold(tx: Queryable, hold: Hold): Promise<number> {
  const { kind, reason, actor, until } = hold;
  await lockLanes(tx, hold);
  const rows = await tx.query(sql`
    insert into lane_hold (repo_id, agent, kind, reason, actor, until)
    select l.repo_id, l.agent, ${kind}, ${reason}, ${actor}::text, ${until}::timestamptz
    from lane l where ${within(hold)}
    on conflict (repo_id, agent, kind) do update set
      reason = excluded.reason, actor = excluded.actor, until = excluded.until
    returning 1
  `);
  await refreshLanes(tx, hold);
  return rows.length;
}

/** Ends holds of one kind and returns how many lanes had it. Call `notifyWork` after the commit. */
export async function liftHold(
  tx: Queryable,
  { kind, ...scope }: { repoId: number; agent?: Agent; kind: HoldKind },
): Promise<number> {
  await lockLanes(tx, scope);
  const rows = await tx.query(sql`
    delete from lane_hold h using lane l
    where h.repo_id = l.repo_id and h.agent = l.agent and h.kind = ${kind} and ${within(scope)} returning 1
  `);
  if (rows.length > 0) {
    await refreshLanes(tx, scope);
  }
  return rows.length;
}

/**
 * Makes the holds of kind `paused` equal to the pauses in force. For those who pause and resume, and for those
 * who make lanes: a new lane of a paused repository is paused.
 */
export async function syncPauses(tx: Queryable, scope: LaneScope): Promise<void> {
  await lockLanes(tx, scope);
  await tx.query(sql`
    with pauses as materialized (
      -- Of several pauses that cover a lane the one that lasts longest holds it.
      select distinct on (l.repo_id, l.agent) l.repo_id, l.agent, c.reason, c.actor, c.until
      from lane l join control c on c.verb = 'pause' and c.lifted_at is null and (
        c.scope = 'fleet' or c.repo_id = l.repo_id and (c.scope = 'repo' or c.agent = l.agent)
      )
      where ${within(scope)}
      order by l.repo_id, l.agent, c.until desc nulls first, c.id
    ), lifted as (
      delete from lane_hold h using lane l
      where h.repo_id = l.repo_id and h.agent = l.agent and h.kind = 'paused' and ${within(scope)}
        and not exists (select from pauses p where p.repo_id = h.repo_id and p.agent = h.agent)
    )
    insert into lane_hold (repo_id, agent, kind, reason, actor, until)
    select repo_id, agent, 'paused', reason, actor, until from pauses
    on conflict (repo_id, agent, kind) do update set
      reason = excluded.reason, actor = excluded.actor, until = excluded.until
  `);
  await refreshLanes(tx, scope);
}

/** Ends every hold and pause whose time is over and returns how many lanes that freed of one. */
export function liftDue(db: Db): Promise<number> {
  return db.transaction(async (tx) => {
    await tx.query(sql`
      update control set lifted_at = now(), lifted_by = 'autodev'
      where verb = 'pause' and lifted_at is null and until <= now()
    `);
    const due = await tx.query<{ repo_id: number; agent: number }>(sql`
      select l.repo_id, l.agent from lane l
      where (l.repo_id, l.agent) in (select h.repo_id, h.agent from lane_hold h where h.until <= now())
      order by l.repo_id, l.agent for update
    `);
    if (due.length === 0) {
      return 0;
    }
    const these = sql`(l.repo_id, l.agent) in (
      select * from unnest(${due.map((lane) => lane.repo_id)}::int[], ${due.map((lane) => lane.agent)}::smallint[])
    )`;
    await tx.query(sql`
      delete from lane_hold h using lane l
      where h.repo_id = l.repo_id and h.agent = l.agent and h.until <= now() and ${these}
    `);
    await refresh(tx, these);
    return due.length;
  });
}

/**
 * `lane.hold` is computed from rows that several transactions write. Each takes the lane's lock first, as a
 * statement of its own: only then does the next statement see what the others committed.
 */
async function lockLanes(tx: Queryable, scope: LaneScope): Promise<void> {
  await tx.query(
    sql`select 1 from lane l where ${within(scope)} order by l.repo_id, l.agent for update`,
  );
}

function refreshLanes(tx: Queryable, scope: LaneScope): Promise<void> {
  return refresh(tx, within(scope));
}

async function refresh(tx: Queryable, lanes: Sql): Promise<void> {
  await tx.query(sql`
    update lane set hold = q.hold
    from (
      select l.repo_id, l.agent, (
        select string_agg(h.kind, ',' order by h.kind) from lane_hold h
        where h.repo_id = l.repo_id and h.agent = l.agent
      ) as hold
      from lane l where ${lanes}
    ) q
    where lane.repo_id = q.repo_id and lane.agent = q.agent and lane.hold is distinct from q.hold
  `);
}

/** The lanes of a scope, of `lane l`. */
function within({ repoId, agent }: LaneScope): Sql {
  if (repoId === undefined) {
    return sql`true`;
  }
  return agent === undefined
    ? sql`l.repo_id = ${repoId}::int`
    : sql`l.repo_id = ${repoId}::int and l.agent = ${agentCode(agent)}::smallint`;
}
