import type { Queryable } from './db.ts';
import { isFree } from './setbacks.ts';
import { sql } from './sql.ts';

type EffectState = 'pending' | 'running' | 'done' | 'failed' | 'staged' | 'cancelled';

export interface NewEffect {
  readonly repoId: number;
  /** Null: our own, without a job. */
  readonly jobId: number | null;
  readonly attempt: number | null;
  /** Effect n + 1 of a job starts after n. */
  readonly position: number;
  readonly type: string;
  readonly payload: Readonly<Record<string, unknown>>;
  /** Idempotency: an effect with the same key is stored once. */
  readonly key: string;
  /** Shown, never carried out. */
  readonly staged: boolean;
}

export interface Effect {
  readonly id: number;
  readonly repoId: number;
  readonly jobId: number | null;
  readonly attempt: number | null;
  readonly position: number;
  readonly type: string;
  readonly payload: Readonly<Record<string, unknown>>;
  readonly state: EffectState;
  readonly epoch: number;
  readonly tries: number;
  readonly result: Readonly<Record<string, unknown>> | null;
  readonly error: string | null;
}

const columns = sql`effect.id, effect.repo_id as "repoId", effect.job_id as "jobId", effect.attempt::int as attempt,
  effect.position::int as position, effect.type, effect.payload, effect.state, effect.epoch, effect.tries::int as tries,
  effect.result, effect.error`;

export async function insertEffects(tx: Queryable, effects: readonly NewEffect[]): Promise<void> {
  await tx.query(sql`
    insert into effect (repo_id, job_id, attempt, position, type, payload, key, state)
    select e."repoId", e."jobId", e.attempt, e.position, e.type, e.payload, e.key,
      case when e.staged then 'staged' else 'pending' end
    from jsonb_to_recordset(${JSON.stringify(effects)}::jsonb)
      as e("repoId" int, "jobId" bigint, attempt smallint, position smallint, type text, payload jsonb, key text, staged boolean)
    on conflict (key) do nothing
  `);
  await tx.query(sql`select pg_notify('effect', '')`);
}

/**
 * Whether it is the turn of effect `e`: everything before it is settled, of its job as of the one thing that effects of
 * ours are about, and its job (where it has one) publishes in a lane that nobody has paused or suspended.
 */
const hasItsTurn = sql`e.state in ('pending', 'running')
  and not exists (
    select from effect b
    where b.job_id = e.job_id and b.position < e.position and b.state not in ('done', 'staged', 'cancelled'))
  and (e.subject is null or not exists (
    select from effect b where b.subject = e.subject and b.id < e.id and b.state in ('pending', 'running')))
  and (e.job_id is null or exists (
    select from job j where j.id = e.job_id and j.state + 0 = 3 and not exists (
      select from lane_hold h
      where h.repo_id = j.repo_id and h.agent = j.agent and h.kind in ('paused', 'suspended'))))`;

/**
 * Leases effects whose turn it is: due, nothing before them unfinished, not leased by anybody alive. An effect whose
 * lease ran out is handed on with a new epoch; whoever had it before can no longer settle it.
 */
export function takeEffects(
  db: Queryable,
  { leaseMs, limit }: { leaseMs: number; limit: number },
): Promise<Effect[]> {
  return db.query<Effect>(sql`
    with due as (
      select e.id from effect e
      where e.due_at <= now() and (e.lease_until is null or e.lease_until < now()) and ${hasItsTurn}
      order by e.due_at, e.id
      limit ${limit} for update skip locked
    )
    update effect
    set state = 'running', epoch = epoch + 1, tries = tries + 1,
        lease_until = now() + ${leaseMs}::float8 * interval '1 millisecond'
    from due where effect.id = due.id
    returning ${columns}
  `);
}

/** Ends an effect, or gives it back for another try after `againInMs`. False when the lease was lost. */
export async function settleEffect(
  tx: Queryable,
  { id, epoch }: Pick<Effect, 'id' | 'epoch'>,
  outcome:
    | { state: 'done'; result: Readonly<Record<string, unknown>> }
    | { state: 'failed' | 'cancelled'; error: string }
    | { state: 'pending'; error: string; againInMs: number },
): Promise<boolean> {
  const rows = await tx.query(sql`
    update effect
    set state = ${outcome.state}, lease_until = null,
        result = ${outcome.state === 'done' ? JSON.stringify(outcome.result) : null}::jsonb,
        error = ${outcome.state === 'done' ? null : outcome.error},
        due_at = case when ${outcome.state} = 'pending'
          then now() + ${outcome.state === 'pending' ? outcome.againInMs : 0}::float8 * interval '1 millisecond'
          else due_at end,
        done_at = case when ${outcome.state} = 'pending' then null else now() end
    where id = ${id} and epoch = ${epoch} and state = 'running'
    returning 1
  `);
  return rows.length > 0;
}

/** Milliseconds until an effect can be taken, by the database's clock; undefined when none has its turn. */
export async function msUntilNextEffect(db: Queryable): Promise<number | undefined> {
  const [row] = await db.query<{ ms: number | null }>(sql`
    select extract(epoch from min(greatest(due_at, coalesce(lease_until, due_at))) - now())::float8 * 1000 as ms
    from effect e where ${hasItsTurn}
  `);
  return row?.ms ?? undefined;
}

export function listEffects(db: Queryable, jobId: number): Promise<Effect[]> {
  return db.query<Effect>(sql`
    select ${columns} from effect where job_id = ${jobId} order by position, id
  `);
}

/** What of a job has not begun is dropped; what is done stays done. */
export async function cancelEffects(tx: Queryable, jobId: number): Promise<void> {
  await tx.query(sql`
    update effect set state = 'cancelled', done_at = now()
    where job_id = ${jobId} and state in ('pending', 'running')
  `);
}

/** Makes the staged effects of a job real: `autodev release`. Answers how many. */
export async function releaseEffects(tx: Queryable, jobId: number): Promise<number> {
  const rows = await tx.query(sql`
    update effect set state = 'pending', due_at = now() where job_id = ${jobId} and state = 'staged' returning 1
  `);
  await tx.query(sql`select pg_notify('effect', '')`);
  return rows.length;
}

/** Publishing jobs that have no effect left to carry out, because the last one was settled or all were staged. */
export function listSettledPublishing(
  db: Queryable,
  limit: number,
): Promise<{ id: number; failed: boolean }[]> {
  return db.query(sql`
    select j.id, exists (select 1 from effect e where e.job_id = j.id and e.state = 'failed') as failed
    from job j
    where j.state = 3 and ${isFree('publishing_job', sql`j.id`)} and (
      not exists (select 1 from effect e where e.job_id = j.id and e.state in ('pending', 'running'))
      or exists (select 1 from effect e where e.job_id = j.id and e.state = 'failed'))
    order by j.id limit ${limit}
  `);
}
