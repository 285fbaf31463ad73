import type { Db, Queryable } from '../src/db/db.ts';
import type { NewJob } from '../src/db/enqueue.ts';
import type { JobRow } from '../src/db/job-rows.ts';
import { registerRunner } from '../src/db/runners.ts';
import { sql } from '../src/db/sql.ts';
import type { AttemptEnd } from '../src/db/turn.ts';
import type { Agent } from '../src/domain/agent.ts';
import { AGENTS, agentCode } from '../src/domain/agent.ts';

interface LaneOptions {
  repos?: number;
  agents?: readonly Agent[];
  laneLimit?: number;
  repoLimit?: number;
}

/** Empties the queue and makes lanes and slots for repositories 1 to `repos`, without rows in `repo`. */
export async function resetQueue(
  db: Db,
  { repos = 1, agents = AGENTS, laneLimit = 10, repoLimit = 80 }: LaneOptions = {},
): Promise<void> {
  await db.query(sql`
    truncate job, job_done, job_event, lane, lane_hold, repo_slot, runner, attempt, control, control_ack restart identity
  `);
  await db.query(
    sql`insert into repo_slot (repo_id, max_running) select r, ${repoLimit}::int from generate_series(1, ${repos}::int) r`,
  );
  await db.query(sql`
    insert into lane (repo_id, agent, max_running) select r, a, ${laneLimit}::int
    from generate_series(1, ${repos}::int) r, unnest(${agents.map(agentCode)}::smallint[]) a
  `);
}

export function newJob(job: Partial<NewJob> = {}): NewJob {
  return {
    repoId: 1,
    agent: 'builder',
    title: 'Repair the build',
    task: 'Find out why the build fails and repair it.',
    trigger: { kind: 'manual', actor: 'ada' },
    trust: 'developer',
    ...job,
  };
}

/** Registers a runner of all agents; the same key again is its next epoch. */
export async function newRunner(
  db: Db,
  key = 'runner',
): Promise<{ runner: number; epoch: number }> {
  const { id, epoch } = await registerRunner(db, {
    key,
    agents: AGENTS,
    providers: ['command'],
    slots: 4,
    host: 'test',
    pid: 1,
    sandbox: { mode: 'none', protected: false },
    leaseMs: 60_000,
  });
  return { runner: id, epoch };
}

export function endOf(
  job: Pick<JobRow, 'id' | 'attempts'>,
  end: Partial<AttemptEnd> = {},
): AttemptEnd {
  return {
    id: job.id,
    attempt: job.attempts,
    state: 'succeeded',
    reason: 'succeeded',
    uncounted: false,
    ...end,
  };
}

/** How far the counters of all lanes and slots together are from what the jobs say; 0 is right. */
export async function counterDrift(db: Queryable): Promise<number> {
  const [row] = await db.query<{ drift: number }>(sql`
    select (
      (select coalesce(sum(abs(l.ready - q.ready) + abs(l.running - q.running)), 0) from lane l, lateral (
        select count(*) filter (where j.state = 0) as ready, count(*) filter (where j.state = 1) as running
        from job j where j.repo_id = l.repo_id and j.agent = l.agent) q)
      + (select coalesce(sum(abs(s.running - q.running)), 0) from repo_slot s, lateral (
        select count(*) as running from job j where j.repo_id = s.repo_id and j.state = 1) q)
    )::int as drift
  `);
  return row?.drift ?? -1;
}
