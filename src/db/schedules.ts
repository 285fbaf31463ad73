import type { ScheduleSpec } from '../domain/spec.ts';
import type { Queryable } from './db.ts';
import type { Sql } from './sql.ts';
import { ALWAYS, sql } from './sql.ts';

export interface ScheduleTimes {
  readonly name: string;
  readonly spec: ScheduleSpec;
  /** The nominal time of the next occurrence; null: there is none. */
  readonly nextAt: Date | null;
  /** `nextAt` plus the jitter. */
  readonly dueAt: Date | null;
}

/** The channel that wakes schedulers. */
export const SCHEDULE_CHANNEL = 'schedule';

/** Writes schedules that were added or changed; times are computed from now, never from the old pattern. */
export async function upsertSchedules(
  tx: Queryable,
  repoId: number,
  schedules: readonly ScheduleTimes[],
): Promise<void> {
  await tx.query(sql`
    with written as (${schedulesUpsert(repoId, schedules)})
    select pg_notify(${SCHEDULE_CHANNEL}, '') from written limit 1
  `);
}

/**
 * The statement of upsertSchedules, without the word to schedulers. It writes only when `from`, an item of a `from`
 * clause, has a row, and answers a row for each that it wrote.
 */
export function schedulesUpsert(
  repoId: number,
  schedules: readonly ScheduleTimes[],
  from: Sql = ALWAYS,
): Sql {
  return sql`
    insert into schedule (repo_id, name, spec, next_at, due_at)
    select ${repoId}::int, s.name, s.spec, s."nextAt", s."dueAt"
    from ${from}, jsonb_to_recordset(${JSON.stringify(schedules)}::jsonb)
      as s(name text, spec jsonb, "nextAt" timestamptz, "dueAt" timestamptz)
    order by s.name
    on conflict (repo_id, name) do update
    set spec = excluded.spec, next_at = excluded.next_at, due_at = excluded.due_at, retired_at = null
    returning 1
  `;
}

/** Ends schedules; the rows stay, with their occurrences. Without `names`: all of the repository. */
export async function retireSchedules(
  tx: Queryable,
  repoId: number,
  names?: readonly string[],
): Promise<void> {
  await tx.query(schedulesRetire(repoId, names));
}

/** The statement of retireSchedules. It writes only when `from`, an item of a `from` clause, has a row. */
export function schedulesRetire(
  repoId: number,
  names?: readonly string[],
  from: Sql = ALWAYS,
): Sql {
  return sql`
    update schedule s set retired_at = now() from ${from}
    where s.repo_id = ${repoId} and s.retired_at is null
      and (${names === undefined}::boolean or s.name = any (${names ?? []}::text[]))
  `;
}

/** A schedule whose time has come, with what deciding about it needs. */
export interface DueSchedule {
  readonly id: number;
  readonly repoId: number;
  readonly name: string;
  readonly spec: ScheduleSpec;
  readonly nextAt: Date;
  readonly dueAt: Date;
  /** The database's clock. */
  readonly now: Date;
  /** The default branch's head seen last, which a job would work on. */
  readonly head: string;
  /** The commit of the revision in force, and the line of its autodev.yaml that the schedule stands at. */
  readonly commit: string;
  readonly line: number;
  /** Unfinished jobs of this schedule: waiting or queued, running or publishing, in review. */
  readonly pending: number;
  readonly active: number;
  readonly inReview: number;
}

/**
 * Schedules that are due by the database's clock, those of removed repositories left out. Takes no lock: deciding
 * may need git.
 */
export function listDueSchedules(db: Queryable, limit: number): Promise<DueSchedule[]> {
  return db.query<DueSchedule>(sql`
    select s.id, s.repo_id as "repoId", s.name, s.spec, s.next_at as "nextAt", s.due_at as "dueAt", now() as now,
      coalesce(y.head, r.commit) as head, r.commit, coalesce(c.line, 1) as line, q.*
    from schedule s
    join repo_sync y on y.repo_id = s.repo_id
    join revision r on r.id = y.revision_id
    join repo p on p.id = s.repo_id and p.removed_at is null
    left join config_object c on c.repo_id = s.repo_id and c.kind = 'schedule' and c.name = s.name
    cross join lateral (
      select count(*) filter (where j.state in (0, 2))::int as pending,
        count(*) filter (where j.state in (1, 3))::int as active,
        count(*) filter (where j.state = 4)::int as "inReview"
      from job j
      where j.repo_id = s.repo_id and j.trigger ->> 'kind' = 'schedule' and j.trigger ->> 'name' = s.name
    ) q
    where s.retired_at is null and s.due_at <= now()
    order by s.due_at limit ${limit}
  `);
}

/** Milliseconds until the next schedule is due, by the database's clock; undefined when there is none. */
export async function msUntilNextSchedule(db: Queryable): Promise<number | undefined> {
  const [row] = await db.query<{ ms: number }>(sql`
    select extract(epoch from s.due_at - now())::float8 * 1000 as ms
    from schedule s
    where s.retired_at is null and s.due_at is not null
      -- What listDueSchedules leaves out must not count here either: the scheduler would spin.
      and exists (
        select from repo p join repo_sync y on y.repo_id = p.id
        where p.id = s.repo_id and p.removed_at is null and y.revision_id is not null)
    order by s.due_at limit 1
  `);
  return row?.ms;
}

/** Asks again later, for schedules that could not be decided; their nominal times stay. */
export async function postponeSchedules(
  tx: Queryable,
  ids: readonly number[],
  { ms }: { ms: number },
): Promise<void> {
  await tx.query(sql`
    update schedule set due_at = now() + ${ms}::float8 * interval '1 millisecond'
    where id = any (${ids}::bigint[]) and due_at <= now()
  `);
}

/** Locks schedules that still wait for the occurrence they were read with; what others settled is left out. */
export async function lockSchedules(
  tx: Queryable,
  expected: readonly { id: number; nextAt: Date }[],
): Promise<Set<number>> {
  const rows = await tx.query<{ id: number }>(sql`
    select s.id from schedule s
    join unnest(${expected.map(({ id }) => id)}::bigint[],
                ${expected.map(({ nextAt }) => nextAt)}::timestamptz[]) e(id, next_at)
      on s.id = e.id and date_trunc('milliseconds', s.next_at) = e.next_at
    where s.retired_at is null
    order by s.id for update of s skip locked
  `);
  return new Set(rows.map(({ id }) => id));
}

export interface SettledOccurrence {
  readonly scheduleId: number;
  readonly nominalAt: Date;
  readonly state: 'fired' | 'skipped';
  readonly reason: string | null;
  readonly jobId: number | null;
  /** The head that it was decided at, for `when.changed`. */
  readonly commit: string;
  readonly nextAt: Date | null;
  readonly dueAt: Date | null;
}

/** Records occurrences, unique by schedule and nominal time, and moves their schedules on. */
export async function settleOccurrences(
  tx: Queryable,
  occurrences: readonly SettledOccurrence[],
): Promise<void> {
  const json = JSON.stringify(occurrences);
  await tx.query(sql`
    insert into occurrence (schedule_id, nominal_at, state, reason, job_id, commit)
    select o."scheduleId", o."nominalAt", o.state, o.reason, o."jobId", o.commit
    from jsonb_to_recordset(${json}::jsonb)
      as o("scheduleId" bigint, "nominalAt" timestamptz, state text, reason text, "jobId" bigint, commit text)
    on conflict do nothing
  `);
  await tx.query(sql`
    update schedule s set next_at = o."nextAt", due_at = o."dueAt"
    from jsonb_to_recordset(${json}::jsonb)
      as o("scheduleId" bigint, "nextAt" timestamptz, "dueAt" timestamptz)
    where s.id = o."scheduleId"
  `);
}

/** The commit that a schedule's last succeeded occurrence worked on; undefined when none has. */
export async function findLastSucceededCommit(
  db: Queryable,
  scheduleId: number,
): Promise<string | undefined> {
  const [row] = await db.query<{ commit: string }>(sql`
    select o.commit from occurrence o join job_done d on d.id = o.job_id
    where o.schedule_id = ${scheduleId} and d.state = 10 and o.commit is not null
    order by o.nominal_at desc limit 1
  `);
  return row?.commit;
}
