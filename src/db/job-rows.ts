import type { Agent } from '../domain/agent.ts';
import { agentOf } from '../domain/agent.ts';
import type { JobReason } from '../domain/end-reason-text.ts';
import type { JobState, WaitReason } from '../domain/job-state.ts';
import { jobStateOf } from '../domain/job-state.ts';
import type { JobInput, JobSubject, JobTrigger } from '../domain/job.ts';
import type { Role } from '../domain/role.ts';
import type { Queryable } from './db.ts';
import { sql } from './sql.ts';

/** One job as the product computes with it. Null means what it means in the table: there is none. */
export interface JobRow {
  readonly id: number;
  readonly repoId: number;
  readonly agent: Agent;
  /** Smaller goes first. */
  readonly priority: number;
  readonly state: JobState;
  /** Tries so far, the running one included. */
  readonly attempts: number;
  /** Of these, those that do not count. */
  readonly uncounted: number;
  readonly runner: number | null;
  readonly epoch: number | null;
  readonly claimedAt: Date | null;
  readonly waitReason: WaitReason | null;
  readonly wakeAt: Date | null;
  readonly dedupeKey: string | null;
  /** The first job of the chain; the job's own id when it is the first. */
  readonly rootId: number;
  readonly parentId: number | null;
  readonly depth: number;
  readonly title: string;
  readonly task: string;
  readonly trigger: JobTrigger;
  readonly subject: JobSubject | null;
  readonly trust: Role;
  readonly staged: boolean;
  /** Commit that it works on; null: the head of the default branch. */
  readonly base: string | null;
  readonly branch: string | null;
  readonly mergeRequestId: number | null;
  readonly input: readonly JobInput[];
  readonly tokens: number;
  readonly microUsd: number;
  /** Of the last attempt. */
  readonly reason: JobReason | null;
  /** One sentence for people. */
  readonly detail: string | null;
  readonly createdAt: Date;
  readonly updatedAt: Date;
  /** Null as long as the job is not final. */
  readonly endedAt: Date | null;
}

/** A row of `job` or `job_done` as the driver hands it over. */
export interface JobRecord {
  id: number;
  repo_id: number;
  agent: number;
  priority: number;
  state: number;
  attempts: number;
  uncounted: number;
  runner: number | null;
  epoch: number | null;
  claimed_at: Date | null;
  wait_reason: WaitReason | null;
  wake_at: Date | null;
  dedupe_key: string | null;
  root_id: number | null;
  parent_id: number | null;
  depth: number;
  title: string;
  task: string;
  trigger: JobTrigger;
  subject: JobSubject | null;
  trust: Role;
  staged: boolean;
  base: string | null;
  branch: string | null;
  merge_request_id: number | null;
  input: JobInput[];
  tokens: number;
  micro_usd: number;
  reason: JobReason | null;
  detail: string | null;
  created_at: Date;
  updated_at: Date;
  ended_at?: Date | null;
}

/** The one mapping of a row to a job; `select *` of either table fits. */
export function jobRow(record: JobRecord): JobRow {
  return {
    id: record.id,
    repoId: record.repo_id,
    agent: agentOf(record.agent),
    priority: record.priority,
    state: jobStateOf(record.state),
    attempts: record.attempts,
    uncounted: record.uncounted,
    runner: record.runner,
    epoch: record.epoch,
    claimedAt: record.claimed_at,
    waitReason: record.wait_reason,
    wakeAt: record.wake_at,
    dedupeKey: record.dedupe_key,
    rootId: record.root_id ?? record.id,
    parentId: record.parent_id,
    depth: record.depth,
    title: record.title,
    task: record.task,
    trigger: record.trigger,
    subject: record.subject,
    trust: record.trust,
    staged: record.staged,
    base: record.base,
    branch: record.branch,
    mergeRequestId: record.merge_request_id,
    input: record.input,
    tokens: record.tokens,
    microUsd: record.micro_usd,
    reason: record.reason,
    detail: record.detail,
    createdAt: record.created_at,
    updatedAt: record.updated_at,
    endedAt: record.ended_at ?? null,
  };
}

/**
 * A job wherever it is, live or final. One statement, because between two the job could move from the
 * table that is read second to the one that was read first.
 */
export async function getJob(db: Queryable, id: number): Promise<JobRow | undefined> {
  const [record] = await db.query<JobRecord>(sql`
    select j.*, null::timestamptz as ended_at from job j where j.id = ${id}::bigint
    union all
    select d.* from job_done d where d.id = ${id}::bigint
  `);
  return record && jobRow(record);
}
