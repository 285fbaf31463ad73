import type { Agent } from '../domain/agent.ts';
import { agentCode, agentOf } from '../domain/agent.ts';
import type { Queryable } from './db.ts';
import type { LaneScope } from './holds.ts';
import { syncPauses } from './holds.ts';
import { lockPauses } from './pause-lock.ts';
import { moveToFinal } from './promote.ts';
import { sql } from './sql.ts';

/** An order to running parts, as its row says. */
export interface Control {
  readonly id: number;
  readonly verb: 'pause' | 'resume' | 'cancel' | 'drain' | 'sync';
  readonly scope: 'fleet' | 'repo' | 'agent' | 'job' | 'runner';
  readonly repoId: number | null;
  readonly agent: Agent | null;
  readonly jobId: number | null;
  readonly runner: number | null;
  readonly actor: string;
  readonly reason: string;
  readonly until: Date | null;
  readonly at: Date;
}

interface Order {
  readonly actor: string;
  /** One sentence for people. */
  readonly reason: string;
}

/** Stops claims in a scope until somebody resumes that same scope, or `until`. Returns the control's id. */
export async function pause(
  tx: Queryable,
  { scope, until, ...order }: Order & { scope: LaneScope; until?: Date },
): Promise<number> {
  await lockPauses(tx, 'who_changes_pauses');
  const id = await insertControl(tx, {
    verb: 'pause',
    ...order,
    ...scope,
    ...(until && { until }),
  });
  await syncPauses(tx, scope);
  return id;
}

/**
 * Ends the pauses of exactly this scope and returns how many there were. Lanes that a wider or narrower pause
 * covers stay paused. Call `notifyWork` after the commit.
 */
export async function resume(
  tx: Queryable,
  { scope, ...order }: Order & { scope: LaneScope },
): Promise<{ id: number; lifted: number }> {
  await lockPauses(tx, 'who_changes_pauses');
  const rows = await tx.query(sql`
    update control set lifted_at = now(), lifted_by = ${order.actor}
    where verb = 'pause' and lifted_at is null and scope = ${scopeName(scope)}
      and repo_id is not distinct from ${scope.repoId}::int
      and agent is not distinct from ${scope.agent && agentCode(scope.agent)}::smallint
    returning id
  `);
  const id = await insertControl(tx, { verb: 'resume', ...order, ...scope });
  await syncPauses(tx, scope);
  return { id, lifted: rows.length };
}

/**
 * Cancels a job: `cancelled` when it was queued or waiting and is over now, `requested` when a runner or the
 * orchestrator has to end it (they read the control), undefined when it is over already or never was.
 */
export async function cancelJob(
  tx: Queryable,
  { id, actor, reason }: Order & { id: number },
): Promise<'cancelled' | 'requested' | undefined> {
  const job = await moveToFinal(tx, id, {
    from: ['queued', 'waiting'],
    to: 'cancelled',
    reason: 'cancelled',
    detail: reason,
    actor,
  });
  if (job !== undefined) {
    return 'cancelled';
  }
  const [live] = await tx.query<{ repo_id: number; runner: number | null }>(
    sql`select repo_id, runner from job where id = ${id}::bigint`,
  );
  if (live === undefined) {
    return undefined;
  }
  await insertControl(tx, { verb: 'cancel', actor, reason, jobId: id, repoId: live.repo_id });
  return 'requested';
}

/** Lets a runner finish what it has and claim nothing more. Undefined when there is no such active runner. */
export async function drainRunner(
  tx: Queryable,
  { runner, ...order }: Order & { runner: number },
): Promise<number | undefined> {
  const rows = await tx.query(sql`
    update runner set state = 'draining' where id = ${runner} and state = 'active' returning id
  `);
  return rows.length === 0 ? undefined : insertControl(tx, { verb: 'drain', ...order, runner });
}

export async function getControl(db: Queryable, id: number): Promise<Control | undefined> {
  const [row] = await db.query<ControlRecord>(sql`select * from control where id = ${id}::bigint`);
  return row && control(row);
}

/**
 * What a runner has to act on and has not acknowledged: cancels of jobs that it runs, and its drain. By state
 * and not by the newest id seen: ids become visible out of order.
 */
export async function pendingControls(db: Queryable, runner: number): Promise<Control[]> {
  const rows = await db.query<ControlRecord>(sql`
    select c.* from control c
    where (
      c.verb = 'cancel' and c.lifted_at is null and c.job_id in (select j.id from job j where j.state = 1 and j.runner = ${runner}::int)
      or c.verb = 'drain' and c.runner = ${runner}::int
        and c.at >= (select r.started_at from runner r where r.id = ${runner}::int)
    ) and not exists (select from control_ack a where a.control_id = c.id and a.runner = ${runner}::int)
    order by c.id
  `);
  return rows.map(control);
}

/** Says that a runner has carried a control out. Saying it twice changes nothing. */
export async function ackControl(
  db: Queryable,
  { id, runner }: { id: number; runner: number },
): Promise<void> {
  await db.query(sql`
    insert into control_ack (control_id, runner) values (${id}::bigint, ${runner}) on conflict do nothing
  `);
}

/** The pauses in force, oldest first. */
export async function listPauses(db: Queryable): Promise<Control[]> {
  const rows = await db.query<ControlRecord>(
    sql`select * from control where verb = 'pause' and lifted_at is null order by id`,
  );
  return rows.map(control);
}

interface ControlInsert extends Order, LaneScope {
  verb: Control['verb'];
  jobId?: number;
  runner?: number;
  until?: Date;
}

/** The notification leaves with the commit. Controls are rare, so what a NOTIFY costs then does not matter. */
async function insertControl(tx: Queryable, order: ControlInsert): Promise<number> {
  const { verb, actor, reason, repoId, agent, jobId, runner, until } = order;
  const [row] = await tx.query<{ id: number }>(sql`
    with made as (
      insert into control (verb, scope, repo_id, agent, job_id, runner, actor, reason, until)
      values (${verb}, ${scopeName(order)}, ${repoId}::int, ${agent && agentCode(agent)}::smallint,
        ${jobId}::bigint, ${runner}::int, ${actor}, ${reason}, ${until}::timestamptz)
      returning id
    )
    select id, pg_notify('control', id::text) from made
  `);
  if (row === undefined) {
    throw new Error('inserting a control returned no row');
  }
  return row.id;
}

function scopeName(of: LaneScope & { jobId?: number; runner?: number }): Control['scope'] {
  if (of.jobId !== undefined) {
    return 'job';
  }
  if (of.runner !== undefined) {
    return 'runner';
  }
  if (of.repoId === undefined) {
    return 'fleet';
  }
  return of.agent === undefined ? 'repo' : 'agent';
}

interface ControlRecord {
  id: number;
  verb: Control['verb'];
  scope: Control['scope'];
  repo_id: number | null;
  agent: number | null;
  job_id: number | null;
  runner: number | null;
  actor: string;
  reason: string;
  until: Date | null;
  at: Date;
}

function control(row: ControlRecord): Control {
  return {
    id: row.id,
    verb: row.verb,
    scope: row.scope,
    repoId: row.repo_id,
    agent: row.agent === null ? null : agentOf(row.agent),
    jobId: row.job_id,
    runner: row.runner,
    actor: row.actor,
    reason: row.reason,
    until: row.until,
    at: row.at,
  };
}
