import { listAttempts } from '../../db/attempts.ts';
import { writeAudit } from '../../db/audit.ts';
import type { Db } from '../../db/db.ts';
import type { NewJob } from '../../db/enqueue.ts';
import { notifyWork } from '../../db/enqueue.ts';
import type { JobRow } from '../../db/job-rows.ts';
import { getJob } from '../../db/job-rows.ts';
import { findMergeRequest } from '../../db/merge-requests.ts';
import { getRevisionInForce } from '../../db/revisions.ts';
import { insertGatedJobs } from '../../db/run-gates.ts';
import type { Agent } from '../../domain/agent.ts';
import { isFinal } from '../../domain/job-state.ts';
import { succeed } from '../../domain/job.ts';
import type { ProviderName } from '../../domain/spec.ts';
import type { Clock } from '../../kernel/clock.ts';
import { AppError } from '../../kernel/errors.ts';

interface StartDeps {
  db: Db;
  clock: Clock;
}

/** Starts a job by hand. Throws NOT_FOUND when the file in force lists no such agent. */
export async function runJob(
  { db }: StartDeps,
  { repoId, agent, task, actor }: { repoId: number; agent: Agent; task: string; actor: string },
): Promise<{ jobId: number }> {
  const revision = await getRevisionInForce(db, repoId);
  if (revision.spec.agents[agent] === undefined) {
    throw new AppError('NOT_FOUND', `the file in force lists no agent \`${agent}\``, {
      remedy: `Add \`${agent}\` to \`agents\` in autodev.yaml and merge that.`,
    });
  }
  return start(db, actor, 'job.run', {
    repoId,
    agent,
    title: firstLine(task),
    task,
    trust: 'owner',
    // A person waits for it.
    priority: 50,
    trigger: { kind: 'manual', actor, commit: revision.commit },
  });
}

/** A new job with the same root, task and branch as one that ended, and a note where there is one. */
export async function retryJob(
  { db, clock }: StartDeps,
  jobId: number,
  { actor, note }: { actor: string; note?: string | undefined },
): Promise<{ jobId: number }> {
  const job = await endedJob(db, jobId);
  const at = clock.now().toISOString();
  return start(db, actor, 'job.retry', {
    ...again(job),
    ...(await whereToStart(db, job)),
    trigger: succeed(job.trigger, { kind: 'retry', actor, from_job: jobId }),
    input: [
      ...job.input,
      ...(note === undefined ? [] : [{ kind: 'note' as const, author: actor, text: note, at }]),
    ],
  });
}

/** The recorded inputs of a job once more, with another provider where one is named; always staged: nothing leaves. */
export async function replayJob(
  { db }: StartDeps,
  jobId: number,
  { actor, provider }: { actor: string; provider?: string | undefined },
): Promise<{ jobId: number }> {
  if (provider !== undefined && !isProviderName(provider)) {
    throw new AppError('INVALID_REQUEST', `there is no provider \`${provider}\``, {
      remedy: `Choose one of ${PROVIDERS.join(', ')}.`,
    });
  }
  const job = await endedJob(db, jobId);
  const attempts = await listAttempts(db, jobId);
  const worked = attempts.findLast(({ base }) => base !== null)?.base;
  return start(db, actor, 'job.replay', {
    ...again(job),
    // Where it worked then, not where the branch is by now.
    ...(worked ? { base: worked } : job.base !== null && { base: job.base }),
    trigger: succeed(job.trigger, {
      kind: 'replay',
      actor,
      from_job: jobId,
      ...(provider && { provider }),
    }),
    input: job.input,
    staged: true,
  });
}

const PROVIDERS = ['codex', 'claude', 'command'] as const satisfies readonly ProviderName[];

function isProviderName(name: string): name is ProviderName {
  return PROVIDERS.some((one) => one === name);
}

async function start(
  db: Db,
  actor: string,
  action: string,
  job: NewJob,
): Promise<{ jobId: number }> {
  const jobId = await db.transaction(async (tx) => {
    const [id] = await insertGatedJobs(tx, [job]);
    if (id === undefined) {
      throw new AppError('CONFLICT', 'the same job is under way already');
    }
    await writeAudit(tx, {
      actor,
      action,
      target: `j_${id}`,
      repoId: job.repoId,
      detail: { agent: job.agent, title: job.title },
    });
    return id;
  });
  await notifyWork(db);
  return { jobId };
}

async function endedJob(db: Db, jobId: number): Promise<JobRow> {
  const job = await getJob(db, jobId);
  if (!job) {
    throw new AppError('NOT_FOUND', `there is no job j_${jobId}`, {
      remedy: 'List them with `autodev jobs`.',
    });
  }
  if (!isFinal(job.state)) {
    throw new AppError('CONFLICT', `j_${jobId} is ${job.state}: it has not ended`, {
      remedy: `Cancel it first (\`autodev cancel j_${jobId}\`), or wait.`,
    });
  }
  return job;
}

function again(job: JobRow): Omit<NewJob, 'trigger'> {
  return {
    repoId: job.repoId,
    agent: job.agent,
    title: job.title,
    task: job.task,
    trust: job.trust,
    priority: 50,
    rootId: job.rootId,
    parentId: job.id,
    depth: job.depth,
    ...(job.subject && { subject: job.subject }),
  };
}

/**
 * A retry begins at what is there now: at the head of the merge request that it continues, else at that of the
 * default branch, whatever commit the first one was made for.
 */
async function whereToStart(
  db: Db,
  { mergeRequestId }: JobRow,
): Promise<Pick<NewJob, 'base' | 'branch' | 'mergeRequestId'>> {
  const request = mergeRequestId === null ? undefined : await findMergeRequest(db, mergeRequestId);
  return request?.state === 'open'
    ? { base: request.head, branch: request.branch, mergeRequestId: request.id }
    : {};
}

function firstLine(text: string): string {
  return (text.trim().split('\n', 1)[0] ?? '').slice(0, 120);
}
