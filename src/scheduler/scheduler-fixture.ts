import { createCronTimes } from '../config/cron-times.ts';
import type { PostgresDb } from '../db/pool.ts';
import { recordOutcome, takeLease } from '../db/repo-sync.ts';
import { addRepo } from '../db/repos.ts';
import { recordRevision } from '../db/revisions.ts';
import { upsertSchedules } from '../db/schedules.ts';
import { sql } from '../db/sql.ts';
import { agentCode } from '../domain/agent.ts';
import type { ScheduleSpec } from '../domain/spec.ts';
import { createZoneOffset } from '../domain/zone-offset.ts';
import { systemClock } from '../kernel/clock.ts';
import { silentLog } from '../kernel/log.ts';
import type { SchedulerDeps } from './fire-due.ts';

export const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

interface Occurrence {
  readonly nominal: Date;
  readonly state: 'fired' | 'skipped';
  readonly reason: string | null;
  readonly job_id: number | null;
}

/** A repository with one schedule in force, whose pattern is hourly at minute 0. */
export interface SchedulerFixture {
  readonly repoId: number;
  readonly deps: SchedulerDeps;
  /** Puts the next occurrence at a full hour in the past, `ms` or a little more ago. */
  readonly dueSince: (ms: number) => Promise<void>;
  readonly occurrences: () => Promise<Occurrence[]>;
  readonly schedule: () => Promise<{ id: number; next_at: Date | null; due_at: Date | null }>;
  readonly jobs: () => Promise<{ id: number; title: string; trigger: unknown; state: number }[]>;
}

/** `head` is the commit that stands for the default branch's; the repository is `location`. */
export async function setupScheduler(
  db: PostgresDb,
  {
    spec = {},
    location,
    head = 'c1',
  }: { spec?: Partial<ScheduleSpec>; location?: string; head?: string } = {},
): Promise<SchedulerFixture> {
  const name = `repo-${crypto.randomUUID()}`;
  const repo = await addRepo(db, {
    path: name,
    forge: 'local',
    location: location ?? `/nowhere/${name}`,
    branch: 'main',
  });
  const repoId = repo.id;
  await db.query(sql`
    insert into lane (repo_id, agent, max_running) values (${repoId}, ${agentCode('tester')}, 1)
  `);
  const revisionId = await recordRevision(db, {
    repoId,
    commit: head,
    blobs: {},
    digest: 'd',
    state: 'applied',
    spec: undefined,
    source: '',
    author: 'ada',
    subject: 'Begin',
    plan: null,
    diagnostics: [],
  });
  const lease = await takeLease(db, { repoId, owner: 'test', leaseMs: MINUTE, head: null });
  await recordOutcome(db, {
    repoId,
    epoch: lease?.epoch ?? 0,
    head,
    revisionId,
    failures: 0,
    missingReads: 0,
    conditions: [],
    answeredDirtyAt: null,
  });
  const full: ScheduleSpec = {
    agent: 'tester',
    enabled: true,
    cron: '0 * * * *',
    timezone: 'UTC',
    with: {},
    when: {},
    overlap: 'skip',
    missed: 'once',
    jitterMs: 0,
    ...spec,
  };
  const next = new Date(systemClock.now().getTime() + HOUR);
  await upsertSchedules(db, repoId, [{ name: 'hourly', spec: full, nextAt: next, dueAt: next }]);

  return {
    repoId,
    deps: {
      db,
      log: silentLog,
      nextCronTime: createCronTimes(),
      zoneOffset: createZoneOffset(),
      standingTask: () => ({ title: 'Find a missing case', task: 'Find one and prove it.' }),
      hasChanged: () => Promise.resolve(true),
    },
    dueSince: async (ms) => {
      await db.query(sql`
        update schedule set
          next_at = date_trunc('hour', now() - ${ms}::float8 * interval '1 millisecond'),
          due_at = date_trunc('hour', now() - ${ms}::float8 * interval '1 millisecond')
        where repo_id = ${repoId}
      `);
    },
    occurrences: () =>
      db.query<Occurrence>(sql`
        select o.nominal_at as nominal, o.state, o.reason, o.job_id
        from occurrence o join schedule s on s.id = o.schedule_id
        where s.repo_id = ${repoId} order by o.nominal_at
      `),
    schedule: async () => {
      const [row] = await db.query<{ id: number; next_at: Date | null; due_at: Date | null }>(
        sql`select id, next_at, due_at from schedule where repo_id = ${repoId}`,
      );
      if (!row) {
        throw new Error('the schedule is there');
      }
      return row;
    },
    jobs: () =>
      db.query(
        sql`select id, title, trigger, state::int as state from job where repo_id = ${repoId} order by id`,
      ),
  };
}
