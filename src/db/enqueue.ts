import type { Agent } from '../domain/agent.ts';
import { agentCode } from '../domain/agent.ts';
import type { WaitReason } from '../domain/job-state.ts';
import { jobStateCode } from '../domain/job-state.ts';
import type { JobInput, JobSubject, JobTrigger } from '../domain/job.ts';
import type { Role } from '../domain/role.ts';
import { AppError } from '../kernel/errors.ts';
import type { Queryable } from './db.ts';
import { sql } from './sql.ts';

/** A job to be made. */
export interface NewJob {
  readonly repoId: number;
  readonly agent: Agent;
  readonly title: string;
  readonly task: string;
  readonly trigger: JobTrigger;
  readonly trust: Role;
  /** Smaller goes first; 100 when not given. */
  readonly priority?: number;
  /** `queued` when not given. */
  readonly state?: 'queued' | { readonly waiting: WaitReason; readonly wakeAt?: Date };
  /** While a job with this key waits, is queued, runs or publishes, another one is not made. */
  readonly dedupeKey?: string;
  /** The first job of the chain; absent when this is the first. */
  readonly rootId?: number;
  readonly parentId?: number;
  readonly depth?: number;
  readonly subject?: JobSubject;
  readonly staged?: boolean;
  readonly base?: string;
  readonly branch?: string;
  readonly mergeRequestId?: number;
  readonly input?: readonly JobInput[];
}

/**
 * Makes jobs in the caller's transaction and returns their ids in the same order; undefined where an unfinished
 * job has the same `dedupeKey`. Ids grow in the order of `jobs`, so equal priorities are served in that order.
 * Call `notifyWork` after the commit.
 *
 * Locks keys in order, then lanes in order: make all jobs of a transaction in one call, and before anything
 * that locks lanes (jobs that start `waiting` without a key may come later, they lock nothing).
 *
 * @throws {AppError} NOT_FOUND when the repository has no such agent; then no job was made.
 */
export async function insertJobs(
  tx: Queryable,
  jobs: readonly NewJob[],
): Promise<(number | undefined)[]> {
  if (jobs.length === 0) {
    return [];
  }
  const rows = await tx.query<{ n: number; id: number | null; known: boolean }>(sql`
    with given as materialized (
      -- An array of documents, not a document with an array: the planner expects 10 rows of it instead of 100,
      -- and so looks lanes up by key instead of reading all of them (at 3,200 lanes).
      select doc.*, nextval('job_id_seq') as id from (
        select t.n::int, r.*
        from unnest(${jobs.map((job) => JSON.stringify(record(job)))}::json[]) with ordinality as t(doc, n),
          lateral json_to_record(t.doc) as r(
            repo_id int, agent smallint, priority smallint, state smallint, wait_reason text,
            wake_at timestamptz, dedupe_key text, root_id bigint, parent_id bigint, depth smallint, title text,
            task text, trigger jsonb, subject jsonb, trust text, staged boolean, base text, branch text,
            merge_request_id bigint, input jsonb
          )
        order by t.n
      ) doc
    ), input as materialized (
      select given.*, l.repo_id is not null as known
      from given left join lane l on l.repo_id = given.repo_id and l.agent = given.agent
    ), made as (
      -- In the order of the keys: two callers with the same keys would wait for each other in a circle.
      insert into job (id, repo_id, agent, priority, state, wait_reason, wake_at, dedupe_key, root_id, parent_id,
        depth, title, task, trigger, subject, trust, staged, base, branch, merge_request_id, input)
      overriding system value
      select id, repo_id, agent, priority, state, wait_reason, wake_at, dedupe_key, root_id, parent_id,
        depth, title, task, trigger, subject, trust, staged, base, branch, merge_request_id, input
      from input where not exists (select from input where not known)
      order by dedupe_key, id
      on conflict (dedupe_key) where state < 4 and dedupe_key is not null do nothing
      returning id, repo_id, agent, state
    ), added as materialized (
      select repo_id, agent, count(*)::int as ready from made where state = 0 group by repo_id, agent
    ), locked as materialized (
      select l.repo_id, l.agent, added.ready from lane l join added using (repo_id, agent)
      order by l.repo_id, l.agent for update of l
    ), counted as (
      update lane l set ready = l.ready + locked.ready from locked
      where l.repo_id = locked.repo_id and l.agent = locked.agent
    )
    select input.n, made.id, input.known from input left join made using (id) order by input.n
  `);

  const unknown = jobs[rows.findIndex((row) => !row.known)];
  if (unknown !== undefined) {
    throw new AppError(
      'NOT_FOUND',
      `repository ${unknown.repoId} has no agent \`${unknown.agent}\``,
      {
        remedy: `add \`${unknown.agent}\` to \`agents\` in its autodev.yaml and merge that`,
        details: { repoId: unknown.repoId, agent: unknown.agent },
      },
    );
  }
  return rows.map((row) => row.id ?? undefined);
}

/** Says to every runner that there may be work. Call it after the commit: what is not committed is not seen. */
export async function notifyWork(db: Queryable): Promise<void> {
  await db.query(sql`select pg_notify('job', '')`);
}

function record(job: NewJob): object {
  const { state = 'queued' } = job;
  const waiting = state === 'queued' ? undefined : state;
  return {
    repo_id: job.repoId,
    agent: agentCode(job.agent),
    priority: job.priority ?? 100,
    state: jobStateCode(waiting ? 'waiting' : 'queued'),
    wait_reason: waiting?.waiting,
    wake_at: waiting?.wakeAt,
    dedupe_key: job.dedupeKey,
    root_id: job.rootId,
    parent_id: job.parentId,
    depth: job.depth ?? 0,
    title: job.title,
    task: job.task,
    trigger: job.trigger,
    subject: job.subject,
    trust: job.trust,
    staged: job.staged ?? false,
    base: job.base,
    branch: job.branch,
    merge_request_id: job.mergeRequestId,
    input: job.input ?? [],
  };
}
