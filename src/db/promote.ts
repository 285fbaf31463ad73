import type { JobReason } from '../domain/end-reason-text.ts';
import type { JobState, WaitReason } from '../domain/job-state.ts';
import { canMove, isFinal, jobStateCode } from '../domain/job-state.ts';
import type { JobInput } from '../domain/job.ts';
import type { Queryable } from './db.ts';
import type { JobRecord, JobRow } from './job-rows.ts';
import { jobRow } from './job-rows.ts';
import { sql } from './sql.ts';

/** A running job is moved by `turn` alone, which knows whose it is. */
type Resting = Exclude<JobState, 'running'>;

interface Move {
  readonly from: Resting | readonly Resting[];
  /** The move is made only when the job waits for this. */
  readonly fromReason?: WaitReason;
  readonly to: Resting;
  /** With `to: 'waiting'`. */
  readonly waitReason?: WaitReason;
  readonly wakeAt?: Date;
  readonly reason?: JobReason;
  /** One sentence for people. */
  readonly detail?: string;
  /** Who did it; absent for our own acts. */
  readonly actor?: string;
  /** Put behind what people said before. */
  readonly input?: JobInput;
  readonly mergeRequestId?: number;
  readonly branch?: string;
}

/**
 * Queues up to `limit` jobs whose time has come and returns how many. Those that wait for a person or for their
 * parent keep waiting: when a gate expires it is closed first.
 */
export async function promoteDue(db: Queryable, limit: number): Promise<number> {
  const [row] = await db.query<{ promoted: number }>(sql`
    with due as materialized (
      select id, wait_reason from job
      where state = 2 and wake_at <= now() and wait_reason not in ('gate', 'question', 'parent')
      order by wake_at limit ${limit}::int for update skip locked
    ), moved as (
      update job j set state = 0, wait_reason = null, wake_at = null, updated_at = clock_timestamp()
      from due where j.id = due.id
      returning j.id, j.repo_id, j.agent, j.attempts, due.wait_reason
    ), added as materialized (
      select repo_id, agent, count(*)::int as ready from moved group by repo_id, agent
    ), locked as materialized (
      select l.repo_id, l.agent, added.ready from lane l join added using (repo_id, agent)
      order by l.repo_id, l.agent for update of l
    ), counted as (
      update lane l set ready = l.ready + locked.ready from locked
      where l.repo_id = locked.repo_id and l.agent = locked.agent
    ), history as (
      insert into job_event (job_id, from_state, to_state, attempt, reason)
      select id, 2, 0, attempts, wait_reason from moved
    )
    select count(*)::int as promoted from moved
  `);
  return row?.promoted ?? 0;
}

/** Queues a job that waits for `from`. False when it does not, or not any more. */
export async function wakeJob(
  tx: Queryable,
  id: number,
  { from, input, actor }: { from: WaitReason; input?: JobInput; actor?: string },
): Promise<boolean> {
  const job = await moveJob(tx, id, {
    from: 'waiting',
    fromReason: from,
    to: 'queued',
    ...(input && { input }),
    ...(actor !== undefined && { actor }),
  });
  return job !== undefined;
}

/**
 * Moves a job that is not running to another state that is not final and returns it as it is then; undefined
 * when it is not in `from`, so nothing changed. Counts it in or out of its lane and writes a job_event.
 *
 * One job a transaction, when it comes from or goes to `queued`: the lane is locked after the job.
 */
export async function moveJob(tx: Queryable, id: number, move: Move): Promise<JobRow | undefined> {
  if (isFinal(move.to)) {
    throw new Error(`\`${move.to}\` is final: use moveToFinal`);
  }
  return update(tx, id, move);
}

/**
 * Ends a job that is not running: `job` to `job_done`, in the caller's transaction. Returns it as it ended, or
 * undefined when it is not in `from`.
 */
export async function moveToFinal(
  tx: Queryable,
  id: number,
  move: Omit<Move, 'waitReason' | 'wakeAt'>,
): Promise<JobRow | undefined> {
  if (!isFinal(move.to)) {
    throw new Error(`\`${move.to}\` is not final: use moveJob`);
  }
  const moved = await update(tx, id, move);
  if (moved === undefined) {
    return undefined;
  }
  const [done] = await tx.query<JobRecord>(sql`
    with gone as (delete from job where id = ${id}::bigint returning *)
    insert into job_done select gone.*, clock_timestamp() from gone
    returning *
  `);
  return done && jobRow(done);
}

/**
 * Brings a job that succeeded back from `job_done`: to `publishing`, because its effects were only staged and are to
 * be carried out, or to `review`, because it changed nothing about the merge request that it was to continue. False
 * when it did not succeed.
 *
 * A cancel that came too late for it belongs to the life that ended, and does not follow it into this one.
 */
export async function reopenJob(
  tx: Queryable,
  id: number,
  to: 'publishing' | 'review',
): Promise<boolean> {
  const change = {
    state: jobStateCode(to),
    ...(to === 'publishing' && { reason: 'succeeded' }),
  };
  const rows = await tx.query(sql`
    with back as (
      delete from job_done where id = ${id}::bigint and state = ${jobStateCode('succeeded')}::smallint returning *
    ), cancels as (
      update control set lifted_at = now(), lifted_by = 'autodev'
      where job_id in (select id from back) and verb = 'cancel' and lifted_at is null
    )
    insert into job overriding system value
    select (jsonb_populate_record(null::job, to_jsonb(back) || ${JSON.stringify(change)}::jsonb)).* from back
    returning id
  `);
  return rows.length > 0;
}

async function update(tx: Queryable, id: number, move: Move): Promise<JobRow | undefined> {
  const from = typeof move.from === 'string' ? [move.from] : move.from;
  for (const state of from) {
    // Waiting for something else is no other state.
    if (!canMove(state, move.to) && !(state === 'waiting' && move.to === 'waiting')) {
      throw new Error(`no job goes from \`${state}\` to \`${move.to}\``);
    }
  }
  const to = jobStateCode(move.to);
  const input = move.input === undefined ? [] : [move.input];

  const [record] = await tx.query<JobRecord>(sql`
    with old as materialized (
      select id, state from job
      where id = ${id}::bigint and state + 0 = any (${from.map(jobStateCode)}::smallint[])
        and (${move.fromReason}::text is null or wait_reason = ${move.fromReason}::text)
      for update
    ), moved as (
      update job j set state = ${to}::smallint, wait_reason = ${move.waitReason}::text,
        wake_at = ${move.wakeAt}::timestamptz, reason = coalesce(${move.reason}::text, j.reason),
        detail = coalesce(${move.detail}::text, j.detail), input = j.input || ${JSON.stringify(input)}::jsonb,
        merge_request_id = coalesce(${move.mergeRequestId}::bigint, j.merge_request_id),
        branch = coalesce(${move.branch}::text, j.branch), updated_at = clock_timestamp()
      from old where j.id = old.id
      returning j.*
    ), counted as (
      update lane l set ready = l.ready + (${to}::int = 0)::int - (old.state = 0)::int
      from moved join old using (id)
      where l.repo_id = moved.repo_id and l.agent = moved.agent and (old.state = 0) <> (${to}::int = 0)
    ), history as (
      insert into job_event (job_id, from_state, to_state, attempt, reason, detail, actor)
      select moved.id, old.state, moved.state, moved.attempts, ${move.reason}::text, ${move.detail}::text,
        ${move.actor}::text
      from moved join old using (id)
    )
    select * from moved
  `);
  return record && jobRow(record);
}
