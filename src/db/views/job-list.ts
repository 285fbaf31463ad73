import type { Static } from 'typebox';
import { Type } from 'typebox';

import type { Agent } from '../../domain/agent.ts';
import { agentCode, agentOf } from '../../domain/agent.ts';
import type { JobState } from '../../domain/job-state.ts';
import { JOB_STATES, isFinal, jobStateCode, jobStateOf } from '../../domain/job-state.ts';
import type { JobSubject, JobTrigger } from '../../domain/job.ts';
import type { Queryable } from '../db.ts';
import type { Sql } from '../sql.ts';
import { sql } from '../sql.ts';
import { Subject, Trigger, subjectOf, triggerOf } from './wire-json.ts';
import type { Page } from './wire.ts';
import {
  AgentName,
  Cost,
  JobId,
  RepoRef,
  Time,
  jobId,
  orNull,
  page,
  repoRef,
  time,
  timeOrNull,
  usd,
} from './wire.ts';

export const Job = Type.Object({
  id: JobId,
  repo: RepoRef,
  agent: AgentName,
  state: Type.Enum([...JOB_STATES]),
  reason: orNull(Type.String({ description: 'Why the last attempt ended' })),
  detail: orNull(Type.String({ description: 'One sentence about it' })),
  wait_reason: orNull(Type.String({ description: 'What a waiting job waits for' })),
  wake_at: orNull(Time),
  title: Type.String(),
  task: Type.String(),
  trigger: Trigger,
  subject: Subject,
  trust: Type.String(),
  staged: Type.Boolean(),
  root: JobId,
  parent: orNull(JobId),
  depth: Type.Integer(),
  attempts: Type.Integer(),
  branch: orNull(Type.String()),
  merge_request: orNull(
    Type.Object({ number: Type.Integer(), state: Type.String(), title: Type.String() }),
  ),
  cost: Cost,
  created_at: Time,
  started_at: orNull(Time),
  updated_at: Time,
  ended_at: orNull(Time),
});

/** A job as a list shows it. */
export type Job = Omit<Static<typeof Job>, 'trigger'> & { trigger: Trigger };

export interface JobFilter {
  repoId?: number | undefined;
  agent?: Agent | undefined;
  states?: readonly JobState[] | undefined;
  /** Jobs of one chain: this root and all that came of it. */
  rootId?: number | undefined;
  /** Jobs that work on this merge request, or did. */
  mergeRequestId?: number | undefined;
  /** Jobs that a schedule or trigger of this name, or this commit of autodev.yaml, caused. */
  cause?: { kind: 'schedule' | 'trigger'; name: string } | { commit: string } | undefined;
}

export interface JobRow {
  id: number;
  repo_id: number;
  path: string;
  agent: number;
  state: number;
  reason: string | null;
  detail: string | null;
  wait_reason: string | null;
  wake_at: Date | null;
  title: string;
  task: string;
  trigger: JobTrigger;
  subject: JobSubject | null;
  trust: string;
  staged: boolean;
  root_id: number | null;
  parent_id: number | null;
  depth: number;
  attempts: number;
  branch: string | null;
  merge_request_number: number | null;
  merge_request_state: string | null;
  merge_request_title: string | null;
  tokens: number;
  micro_usd: number;
  claimed_at: Date | null;
  created_at: Date;
  updated_at: Date;
  ended_at: Date | null;
}

const COLUMNS = sql`id, repo_id, agent, state, reason, detail, wait_reason, wake_at, title, task, trigger,
  subject, trust, staged, root_id, parent_id, depth, attempts, branch, merge_request_id, tokens, micro_usd,
  claimed_at, created_at, updated_at`;

/**
 * Jobs, newest first, active and final ones together: one page of each of the two tables by its own index,
 * merged. `before` is a cursor of an earlier page.
 */
export async function listJobs(
  db: Queryable,
  filter: JobFilter,
  { limit, before }: { limit: number; before?: number | undefined },
): Promise<Page<Job>> {
  const codes = filter.states?.map(jobStateCode);
  const where = conditions(filter, before);
  const wanted = limit + 1;
  const active = filter.states?.every(isFinal) === true ? sql`false` : sql`true`;
  const final = filter.states?.some(isFinal) === false ? sql`false` : sql`true`;
  const inStates = codes === undefined ? sql`true` : sql`state = any(${codes}::smallint[])`;

  const rows = await db.query<JobRow>(sql`
    with found as (
      (select ${COLUMNS}, null::timestamptz as ended_at from job
        where ${active} and ${where} and ${inStates} order by id desc limit ${wanted})
      union all
      (select ${COLUMNS}, ended_at from job_done
        where ${final} and ${where} and ${inStates} order by id desc limit ${wanted})
    )
    ${withNames(sql`found`)}
    order by j.id desc limit ${wanted}`);

  return page(rows, limit, { key: (row) => row.id, item: jobOf });
}

/** The row of one job, wherever it lives. */
export async function findJobRow(db: Queryable, id: number): Promise<JobRow | undefined> {
  const [row] = await db.query<JobRow>(sql`
    with found as (
      select ${COLUMNS}, null::timestamptz as ended_at from job where id = ${id}
      union all
      select ${COLUMNS}, ended_at from job_done where id = ${id}
    )
    ${withNames(sql`found`)}`);
  return row;
}

export function jobOf(row: JobRow): Job {
  return {
    id: jobId(row.id),
    repo: repoRef(row.repo_id, row.path),
    agent: agentOf(row.agent),
    state: jobStateOf(row.state),
    reason: row.reason,
    detail: row.detail,
    wait_reason: row.wait_reason,
    wake_at: timeOrNull(row.wake_at),
    title: row.title,
    task: row.task,
    trigger: triggerOf(row.trigger),
    subject: subjectOf(row.subject),
    trust: row.trust,
    staged: row.staged,
    root: jobId(row.root_id ?? row.id),
    parent: row.parent_id === null ? null : jobId(row.parent_id),
    depth: row.depth,
    attempts: row.attempts,
    branch: row.branch,
    merge_request:
      row.merge_request_number === null
        ? null
        : {
            number: row.merge_request_number,
            state: row.merge_request_state ?? 'open',
            title: row.merge_request_title ?? row.title,
          },
    cost: { tokens: row.tokens, usd: usd(row.micro_usd) },
    created_at: time(row.created_at),
    started_at: timeOrNull(row.claimed_at),
    updated_at: time(row.updated_at),
    ended_at: timeOrNull(row.ended_at),
  };
}

function withNames(source: Sql): Sql {
  // A job outlives the repository that it was made for: its row stays readable.
  return sql`select j.*, coalesce(r.path, '(removed)') as path, m.number as merge_request_number,
      m.state as merge_request_state, m.title as merge_request_title
    from ${source} j
    left join repo r on r.id = j.repo_id
    left join merge_request m on m.id = j.merge_request_id`;
}

function conditions(
  { repoId, agent, rootId, mergeRequestId, cause }: JobFilter,
  before: number | undefined,
): Sql {
  let where = sql`true`;
  if (repoId !== undefined) {
    where = sql`${where} and repo_id = ${repoId}`;
  }
  if (agent !== undefined) {
    where = sql`${where} and agent = ${agentCode(agent)}`;
  }
  if (rootId !== undefined) {
    where = sql`${where} and (root_id = ${rootId} or id = ${rootId})`;
  }
  if (mergeRequestId !== undefined) {
    where = sql`${where} and merge_request_id = ${mergeRequestId}`;
  }
  if (cause !== undefined && 'commit' in cause) {
    // `?` lets the planner see the partial index.
    where = sql`${where} and trigger ? 'commit' and trigger ->> 'commit' = ${cause.commit}`;
  } else if (cause !== undefined) {
    where = sql`${where} and trigger ->> 'kind' = ${cause.kind} and trigger ->> 'name' = ${cause.name}`;
  }
  return before === undefined ? where : sql`${where} and id < ${before}`;
}
