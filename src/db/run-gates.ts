import type { Agent } from '../domain/agent.ts';
import { agentCode } from '../domain/agent.ts';
import type { JobTrigger } from '../domain/job.ts';
import { expiryMs, rememberedMs, runRules } from '../domain/run-gate.ts';
import type { ApprovalRule } from '../domain/spec.ts';
import type { Queryable } from './db.ts';
import type { NewJob } from './enqueue.ts';
import { insertJobs } from './enqueue.ts';
import type { NamedRule } from './gates.ts';
import { openGate } from './gates.ts';
import { sql } from './sql.ts';

/**
 * As insertJobs, for jobs that a schedule, a trigger or a person starts: one that a `run` rule of its repository
 * matches is made waiting for people, with its gate, in the same transaction. There is no moment at which a runner
 * could claim it before.
 */
export async function insertGatedJobs(
  tx: Queryable,
  jobs: readonly NewJob[],
): Promise<(number | undefined)[]> {
  const approvals = await listApprovals(tx, [...new Set(jobs.map(({ repoId }) => repoId))]);
  const planned: { job: NewJob; gate: GatePlan | undefined }[] = [];
  for (const job of jobs) {
    const gate = await planGate(tx, job, approvals.get(job.repoId) ?? {});
    planned.push({ job: gate ? { ...job, state: { waiting: 'gate' } } : job, gate });
  }

  const ids = await insertJobs(
    tx,
    planned.map(({ job }) => job),
  );
  for (const [i, { job, gate }] of planned.entries()) {
    const id = ids[i];
    if (id !== undefined && gate) {
      await open(tx, { ...job, id }, gate);
    }
  }
  return ids;
}

/** Opens the `run` gate of a job that is about to start, and answers whether it has one. The caller locked it. */
export async function openRunGate(
  tx: Queryable,
  job: Startable & { id: number },
): Promise<boolean> {
  const approvals = await listApprovals(tx, [job.repoId]);
  const gate = await planGate(tx, job, approvals.get(job.repoId) ?? {});
  if (gate) {
    await open(tx, job, gate);
  }
  return gate !== undefined;
}

interface Startable {
  readonly repoId: number;
  readonly agent: Agent;
  readonly title: string;
  readonly task: string;
  readonly trigger: JobTrigger;
}

interface GatePlan {
  readonly rules: readonly NamedRule[];
  /** What one approval may be remembered for: the schedule or trigger as the file states it now. */
  readonly hash: string | undefined;
}

async function planGate(
  tx: Queryable,
  { repoId, agent, trigger }: Startable,
  approvals: Readonly<Record<string, ApprovalRule>>,
): Promise<GatePlan | undefined> {
  const rules = runRules(approvals, agent);
  if (rules.length === 0) {
    return undefined;
  }
  const hash = await findHash(tx, repoId, trigger);
  const forMs = rememberedMs(rules);
  const remembered =
    hash !== undefined &&
    forMs > 0 &&
    (await wasApproved(tx, { repoId, agent, trigger, hash, forMs }));
  return remembered ? undefined : { rules, hash };
}

async function open(
  tx: Queryable,
  { id, repoId, agent, title, task, trigger }: Startable & { id: number },
  { rules, hash }: GatePlan,
): Promise<void> {
  const expiresInMs = expiryMs(rules);
  await openGate(tx, {
    repoId,
    jobId: id,
    kind: 'run',
    title: `Start ${agent}: ${title}`,
    body: task,
    rules,
    requesters: trigger.actor === 'autodev' ? [] : [trigger.actor],
    ...(hash !== undefined && { head: hash }),
    ...(expiresInMs !== undefined && { expiresInMs }),
  });
}

/** The approval rules in force of several repositories. */
async function listApprovals(
  db: Queryable,
  repoIds: readonly number[],
): Promise<Map<number, Readonly<Record<string, ApprovalRule>>>> {
  const rows = await db.query<{
    repoId: number;
    approvals: Record<string, ApprovalRule> | null;
  }>(sql`
    select s.repo_id as "repoId", r.spec -> 'approvals' as approvals
    from repo_sync s join revision r on r.id = s.revision_id
    where s.repo_id = any (${repoIds}::int[])
  `);
  return new Map(rows.map(({ repoId, approvals }) => [repoId, approvals ?? {}]));
}

async function findHash(
  db: Queryable,
  repoId: number,
  { kind, name }: JobTrigger,
): Promise<string | undefined> {
  if (kind !== 'schedule' && kind !== 'trigger') {
    return undefined;
  }
  const [row] = await db.query<{ hash: string }>(sql`
    select hash from config_object
    where repo_id = ${repoId} and kind = ${kind} and name = ${name ?? ''} and retired_at is null
  `);
  return row?.hash;
}

/** Whether people let this schedule or trigger, as it stands, run a job of this agent a short while ago. */
async function wasApproved(
  db: Queryable,
  {
    repoId,
    agent,
    trigger,
    hash,
    forMs,
  }: { repoId: number; agent: Agent; trigger: JobTrigger; hash: string; forMs: number },
): Promise<boolean> {
  const rows = await db.query(sql`
    select 1 from gate g
    where g.repo_id = ${repoId} and g.kind = 'run' and g.state = 'approved' and g.head = ${hash}
      and g.closed_at > now() - ${forMs}::float8 * interval '1 millisecond'
      and exists (
        select from (
          select agent, trigger from job where id = g.job_id
          union all
          select agent, trigger from job_done where id = g.job_id) j
        where j.agent = ${agentCode(agent)}::smallint and j.trigger ->> 'kind' = ${trigger.kind}
          and j.trigger ->> 'name' = ${trigger.name ?? ''})
    limit 1
  `);
  return rows.length > 0;
}
