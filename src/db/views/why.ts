import type { Static } from 'typebox';
import { Type } from 'typebox';

import { agentOf } from '../../domain/agent.ts';
import { isJobReason } from '../../domain/end-reason-text.ts';
import { isWaitReason, jobStateOf } from '../../domain/job-state.ts';
import type { WhyReason } from '../../domain/why-facts.ts';
import { explainJob, explainLane } from '../../domain/why.ts';
import type { Queryable } from '../db.ts';
import { sql } from '../sql.ts';
import { listGates } from './gate-list.ts';
import type { JobRow } from './job-list.ts';
import { findJobRow } from './job-list.ts';
import { collectLaneFacts } from './why-facts.ts';
import { AgentName, JobId, RepoRef, Time, jobId, orNull, repoRef, time } from './wire.ts';

export const Why = Type.Object({
  repo: RepoRef,
  job: orNull(JobId),
  agents: Type.Array(
    Type.Object({
      agent: AgentName,
      reasons: Type.Array(
        Type.Object({
          code: Type.String(),
          sentence: Type.String(),
          remedy: orNull(Type.String({ description: 'What a person can do' })),
          until: orNull(Time),
        }),
      ),
    }),
  ),
});

/** Why things stand as they do, and what to do about it. */
export type Why = Static<typeof Why>;

/** Of every agent of a repository. Undefined when there is no such repository. */
export async function whyRepo(db: Queryable, repoId: number, now: Date): Promise<Why | undefined> {
  const [lanes, [repo]] = await Promise.all([
    collectLaneFacts(db, repoId, now),
    db.query<{ path: string }>(sql`select path from repo where id = ${repoId}`),
  ]);
  return (
    lanes && {
      repo: repoRef(repoId, repo?.path ?? ''),
      job: null,
      agents: lanes.map((facts) => ({
        agent: facts.agent,
        reasons: explainLane(facts).map(reasonOf),
      })),
    }
  );
}

/** Of one job. Undefined when there is no such job. */
export async function whyJob(db: Queryable, id: number, now: Date): Promise<Why | undefined> {
  const row = await findJobRow(db, id);
  if (row === undefined) {
    return undefined;
  }
  const agent = agentOf(row.agent);
  const lanes = (await collectLaneFacts(db, row.repo_id, now)) ?? [];
  const lane = lanes.find((facts) => facts.agent === agent) ?? {
    ...NO_LANE,
    repo: row.path,
    agent,
    now: now.getTime(),
  };
  const [gate] = (await listGates(db, { jobId: id, state: 'open' }, { limit: 1 })).items;
  const parent = row.parent_id === null ? undefined : await findJobRow(db, row.parent_id);
  const effect = await readEffect(db, id);

  const reasons = explainJob({
    id: jobId(id),
    state: jobStateOf(row.state),
    ahead: await countAhead(db, row),
    lane,
    ...(row.reason !== null && isJobReason(row.reason) && { reason: row.reason }),
    ...(row.wait_reason !== null &&
      isWaitReason(row.wait_reason) && { waitReason: row.wait_reason }),
    ...(row.wake_at && { wakeAt: row.wake_at.getTime() }),
    ...(gate && { gate: { id: gate.id, missing: [gate.title] } }),
    ...(parent && { parent: { id: jobId(parent.id), state: jobStateOf(parent.state) } }),
    ...(row.detail !== null && { detail: row.detail }),
    ...(effect && { effect }),
  });
  return {
    repo: repoRef(row.repo_id, row.path),
    job: jobId(id),
    agents: [{ agent, reasons: reasons.map(reasonOf) }],
  };
}

/** For a job whose repository has no such lane any more. */
const NO_LANE = {
  source: { readable: true },
  config: { state: 'valid', lastGood: true },
  listed: false,
  holds: [],
  sandbox: { available: true },
  runners: { live: 1 },
  slots: { lane: { running: 0, most: 1 }, repo: { running: 0, most: 1 } },
  queued: 0,
  waiting: [],
  schedules: [],
  triggers: [],
  handOffs: [],
} as const;

async function countAhead(db: Queryable, row: JobRow): Promise<number> {
  const [ahead] = await db.query<{ n: number }>(sql`
    select count(*)::int as n from job j, job me
    where me.id = ${row.id} and j.repo_id = me.repo_id and j.agent = me.agent and j.state = 0
      and (j.priority, j.id) < (me.priority, me.id)`);
  return ahead?.n ?? 0;
}

/** The effect that is carried out now. */
async function readEffect(
  db: Queryable,
  id: number,
): Promise<{ name: string; lastError?: string } | undefined> {
  const [effect] = await db.query<{ type: string; error: string | null }>(sql`
    select type, error from effect where job_id = ${id} and state in ('pending', 'running')
    order by attempt, position limit 1`);
  return effect && { name: effect.type, ...(effect.error !== null && { lastError: effect.error }) };
}

function reasonOf({
  code,
  sentence,
  remedy,
  until,
}: WhyReason): Why['agents'][number]['reasons'][number] {
  return {
    code,
    sentence,
    remedy: remedy ?? null,
    until: until === undefined ? null : time(new Date(until)),
  };
}
