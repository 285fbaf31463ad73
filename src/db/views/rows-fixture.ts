import { randomUUID } from 'node:crypto';

import type { Agent } from '../../domain/agent.ts';
import { agentCode } from '../../domain/agent.ts';
import type { JobState } from '../../domain/job-state.ts';
import { isFinal, jobStateCode } from '../../domain/job-state.ts';
import type { JobTrigger } from '../../domain/job.ts';
import type { Queryable } from '../db.ts';
import { sql } from '../sql.ts';

/** Rows for tests of what only reads: written as they are, past the code that usually makes them. */
export async function insertRepo(db: Queryable, path = `repo-${randomUUID()}`): Promise<number> {
  const [row] = await db.query<{ id: number }>(sql`
    insert into repo (path, forge, location, branch)
    values (${path}, 'local', ${`/srv/${path}`}, 'main') returning id`);
  await db.query(sql`insert into repo_sync (repo_id) values (${idOf(row)})`);
  return idOf(row);
}

interface JobOptions {
  agent?: Agent;
  state?: JobState;
  title?: string;
  trigger?: JobTrigger;
  waitReason?: string;
  rootId?: number;
  parentId?: number;
  mergeRequestId?: number;
  microUsd?: number;
}

export async function insertJob(
  db: Queryable,
  repoId: number,
  {
    agent = 'builder',
    state = 'queued',
    title = 'Fix the rounding',
    trigger = { kind: 'manual', actor: 'ada' },
    waitReason,
    rootId,
    parentId,
    mergeRequestId,
    microUsd = 0,
  }: JobOptions = {},
): Promise<number> {
  const [row] = await db.query<{ id: number }>(sql`
    insert into job (repo_id, agent, state, title, task, trigger, trust, wait_reason, root_id, parent_id,
      merge_request_id, tokens, micro_usd)
    values (${repoId}, ${agentCode(agent)}, ${jobStateCode(state)}, ${title}, 'Find out why and fix it.',
      ${JSON.stringify(trigger)}, 'owner', ${waitReason ?? null}, ${rootId ?? null}, ${parentId ?? null},
      ${mergeRequestId ?? null}, 1200, ${microUsd})
    returning id`);
  const id = idOf(row);
  if (isFinal(state)) {
    await db.query(sql`
      with gone as (delete from job where id = ${id} returning *)
      insert into job_done select gone.*, now() from gone`);
  }
  return id;
}

export async function insertGate(
  db: Queryable,
  repoId: number,
  {
    jobId,
    kind = 'merge',
    state = 'open',
    mergeRequestId,
  }: { jobId?: number; kind?: string; state?: string; mergeRequestId?: number } = {},
): Promise<number> {
  const [row] = await db.query<{ id: number }>(sql`
    insert into gate (repo_id, job_id, merge_request_id, kind, state, title, body, head)
    values (${repoId}, ${jobId ?? null}, ${mergeRequestId ?? null}, ${kind}, ${state}, 'Merge the fix?',
      'It rounds half to even now.', ${'a'.repeat(40)})
    returning id`);
  return idOf(row);
}

export async function insertMergeRequest(
  db: Queryable,
  repoId: number,
  jobId: number,
  head = 'a'.repeat(40),
): Promise<number> {
  const [row] = await db.query<{ id: number }>(sql`
    insert into merge_request (repo_id, number, job_id, root_id, branch, base, head, title, description)
    values (${repoId}, 1, ${jobId}, ${jobId}, 'autodev/fix', ${'b'.repeat(40)}, ${head},
      'Round half to even', 'Why and how.')
    returning id`);
  return idOf(row);
}

/** A revision in force whose file has 8 lines. */
export async function insertRevision(
  db: Queryable,
  repoId: number,
  { commit = 'c'.repeat(40), source = FILE }: { commit?: string; source?: string } = {},
): Promise<number> {
  const plan = {
    changes: [{ action: 'update', kind: 'schedule', name: 'nightly', paths: [{ path: 'cron' }] }],
  };
  const [row] = await db.query<{ id: number }>(sql`
    with made as (
      insert into revision (repo_id, commit, blobs, digest, state, source, author, subject, plan, applied_at)
      values (${repoId}, ${commit}, '{}', 'd', 'applied', ${source}, 'Ada <ada@example.org>', 'Run nightly',
        ${JSON.stringify(plan)}, now())
      returning id, repo_id
    ), force as (
      update repo_sync s set revision_id = made.id from made where s.repo_id = made.repo_id
    )
    select id from made`);
  return idOf(row);
}

const FILE = `version: 1
agents:
  builder: {}

schedules:
  nightly:
    agent: builder
    cron: "0 2 * * *"
`;

function idOf(row: { id: number } | undefined): number {
  if (row === undefined) {
    throw new Error('the insert answered no row');
  }
  return row.id;
}
