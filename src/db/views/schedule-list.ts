import type { Static } from 'typebox';
import { Type } from 'typebox';

import type { ScheduleSpec } from '../../domain/spec.ts';
import type { Queryable } from '../db.ts';
import { sql } from '../sql.ts';
import type { Page } from './wire.ts';
import {
  AgentName,
  JobId,
  RepoRef,
  Time,
  jobId,
  orNull,
  page,
  repoRef,
  time,
  timeOrNull,
} from './wire.ts';

export const Schedule = Type.Object({
  id: Type.String(),
  repo: RepoRef,
  name: Type.String(),
  agent: AgentName,
  enabled: Type.Boolean(),
  cron: Type.String(),
  timezone: Type.String(),
  task: orNull(Type.String()),
  next_at: orNull(Time),
  due_at: orNull(Time),
  last: orNull(
    Type.Object({
      nominal_at: Time,
      state: Type.Enum(['fired', 'skipped']),
      reason: orNull(Type.String()),
      job: orNull(JobId),
    }),
  ),
});

/** A schedule in force: when it makes a job next, and what became of the last time. */
export type Schedule = Static<typeof Schedule>;

interface ScheduleRow {
  id: number;
  repo_id: number;
  path: string;
  name: string;
  spec: ScheduleSpec;
  next_at: Date | null;
  due_at: Date | null;
  nominal_at: Date | null;
  state: 'fired' | 'skipped' | null;
  reason: string | null;
  job_id: number | null;
}

export async function listSchedules(
  db: Queryable,
  { repoId }: { repoId?: number | undefined },
  { limit, after = 0 }: { limit: number; after?: number | undefined },
): Promise<Page<Schedule>> {
  const ofRepo = repoId === undefined ? sql`true` : sql`s.repo_id = ${repoId}`;
  const rows = await db.query<ScheduleRow>(sql`
    select s.id, s.repo_id, r.path, s.name, s.spec, s.next_at, s.due_at,
      o.nominal_at, o.state, o.reason, o.job_id
    from schedule s
    join repo r on r.id = s.repo_id and r.removed_at is null
    left join lateral (
      select nominal_at, state, reason, job_id from occurrence
      where schedule_id = s.id order by nominal_at desc limit 1
    ) o on true
    where ${ofRepo} and s.retired_at is null and s.id > ${after}
    order by s.id limit ${limit + 1}`);

  return page(rows, limit, { key: (row) => row.id, item: scheduleOf });
}

function scheduleOf({ spec, nominal_at: nominalAt, state, ...row }: ScheduleRow): Schedule {
  return {
    id: String(row.id),
    repo: repoRef(row.repo_id, row.path),
    name: row.name,
    agent: spec.agent,
    enabled: spec.enabled,
    cron: spec.cron,
    timezone: spec.timezone,
    task: spec.task ?? null,
    next_at: timeOrNull(row.next_at),
    due_at: timeOrNull(row.due_at),
    last:
      nominalAt === null || state === null
        ? null
        : {
            nominal_at: time(nominalAt),
            state,
            reason: row.reason,
            job: row.job_id === null ? null : jobId(row.job_id),
          },
  };
}
