import type { NextCronTime } from '../config/cron-times.ts';
import type { Db, Queryable } from '../db/db.ts';
import { notifyWork } from '../db/enqueue.ts';
import type { NewJob } from '../db/enqueue.ts';
import { insertGatedJobs } from '../db/run-gates.ts';
import type { DueSchedule, SettledOccurrence } from '../db/schedules.ts';
import {
  findLastSucceededCommit,
  listDueSchedules,
  lockSchedules,
  postponeSchedules,
  settleOccurrences,
} from '../db/schedules.ts';
import type { Agent } from '../domain/agent.ts';
import type { ScheduleDecision } from '../domain/schedule-policy.ts';
import { decideSchedule, jitterMs } from '../domain/schedule-policy.ts';
import type { ZoneOffset } from '../domain/zone-offset.ts';
import { AppError } from '../kernel/errors.ts';
import type { Log } from '../kernel/log.ts';
import type { HasChanged } from './has-changed.ts';

/** At most so many schedules are decided in one transaction. */
const BATCH = 500;
/** What could not be decided (its repository cannot be read just now) is looked at again after this long. */
const POSTPONE_MS = 60_000;

export interface SchedulerDeps {
  db: Db;
  log: Log;
  nextCronTime: NextCronTime;
  zoneOffset: ZoneOffset;
  /** The title and standing task of a role, for schedules that name no task. */
  standingTask: (agent: Agent) => { title: string; task: string };
  /** Asked only where `when.changed` is set. */
  hasChanged: HasChanged;
}

interface Decided {
  readonly due: DueSchedule;
  readonly decision: ScheduleDecision;
}

/**
 * Decides every schedule whose time has come, and makes the jobs of those that fire. Reading and deciding hold no
 * lock (the question whether something changed may need git); writing does, and what another scheduler settled
 * meanwhile is left out. Answers how many were settled.
 */
export async function fireDueSchedules(deps: SchedulerDeps, signal: AbortSignal): Promise<number> {
  const { db, log } = deps;
  const due = await listDueSchedules(db, BATCH);
  if (due.length === 0) {
    return 0;
  }
  const decided: Decided[] = [];
  const undecided: number[] = [];
  for (const schedule of due) {
    const decision = await tryToDecide(deps, schedule, signal);
    if (decision) {
      decided.push({ due: schedule, decision });
    } else {
      undecided.push(schedule.id);
    }
  }

  const settled = await db.transaction(async (tx) => {
    if (undecided.length > 0) {
      await postponeSchedules(tx, undecided, { ms: POSTPONE_MS });
    }
    return settle(deps, tx, decided);
  });
  if (settled.fired > 0) {
    await notifyWork(db);
  }
  log.info({ due: due.length, ...settled }, 'schedules decided');
  return settled.settled;
}

/** One repository in trouble keeps no other waiting; nothing is decided about what could not be read. */
async function tryToDecide(
  deps: SchedulerDeps,
  due: DueSchedule,
  signal: AbortSignal,
): Promise<ScheduleDecision | undefined> {
  try {
    return await decide(deps, due, signal);
  } catch (error) {
    if (!(error instanceof AppError) || error.code === 'DATABASE_UNAVAILABLE') {
      throw error;
    }
    deps.log.warn({ err: error, repo: due.repoId, schedule: due.name }, 'schedule not decided');
    return undefined;
  }
}

async function decide(
  deps: SchedulerDeps,
  due: DueSchedule,
  signal: AbortSignal,
): Promise<ScheduleDecision> {
  const { nextCronTime, zoneOffset } = deps;
  const { spec, pending, active, inReview } = due;

  return decideSchedule(
    {
      ...identityOf(due),
      dueAt: due.nextAt.getTime(),
      // The row came due at its nominal time plus the jitter: what that delayed is not late.
      now: Math.max(due.nextAt.getTime(), due.now.getTime() - jitterMs(identityOf(due))),
      jobs: { pending, active, inReview },
      changed: await changedSince(deps, due, signal),
    },
    { nextAfter: (at) => nextCronTime(spec.cron, spec.timezone, at), zoneOffset },
  );
}

/** Whether a path of `when.changed` moved since the last occurrence that succeeded; yes where there was none. */
async function changedSince(
  { db, hasChanged }: SchedulerDeps,
  { id, repoId, head, spec }: DueSchedule,
  signal: AbortSignal,
): Promise<boolean> {
  const globs = spec.when.changed;
  if (globs === undefined) {
    return true;
  }
  const from = await findLastSucceededCommit(db, id);
  return from === undefined || hasChanged(repoId, { from, to: head, globs }, signal);
}

async function settle(
  { standingTask }: SchedulerDeps,
  tx: Queryable,
  decided: readonly Decided[],
): Promise<{ settled: number; fired: number }> {
  const ours = await lockSchedules(
    tx,
    decided.map(({ due }) => ({ id: due.id, nextAt: due.nextAt })),
  );
  const mine = decided.filter(({ due }) => ours.has(due.id));
  const firing = mine.filter(({ decision }) => decision.action === 'fire');
  const ids = await insertGatedJobs(
    tx,
    firing.map(({ due, decision }) => jobOf(due, decision, standingTask)),
  );
  const jobIds = new Map(firing.map(({ due }, i) => [due.id, ids[i]]));

  await settleOccurrences(
    tx,
    mine.map((entry) => occurrence(entry, jobIds.get(entry.due.id))),
  );
  return { settled: mine.length, fired: firing.length };
}

function jobOf(
  due: DueSchedule,
  decision: ScheduleDecision,
  standingTask: SchedulerDeps['standingTask'],
): NewJob {
  const { spec } = due;
  const standing = standingTask(spec.agent);
  return {
    repoId: due.repoId,
    agent: spec.agent,
    title: spec.task === undefined ? standing.title : firstLine(spec.task),
    task: spec.task ?? standing.task,
    trust: 'owner',
    // Belt and braces beside the schedule's lock: an occurrence has one job, whoever fires it.
    dedupeKey: `schedule:${due.id}:${decision.nominal}`,
    trigger: {
      kind: 'schedule',
      name: due.name,
      actor: 'autodev',
      line: due.line,
      commit: due.commit,
      nominal_at: new Date(decision.nominal).toISOString(),
    },
  };
}

function occurrence({ due, decision }: Decided, jobId: number | undefined): SettledOccurrence {
  const next = decision.next === undefined ? null : new Date(decision.next);
  return {
    scheduleId: due.id,
    nominalAt: new Date(decision.nominal),
    state: decision.action === 'fire' && jobId !== undefined ? 'fired' : 'skipped',
    reason: decision.action === 'skip' ? decision.reason : jobId === undefined ? 'overlap' : null,
    jobId: jobId ?? null,
    commit: due.head,
    nextAt: next,
    dueAt: next && new Date(next.getTime() + jitterMs(identityOf(due))),
  };
}

/** What jitter is computed from: the id, because a repository may be renamed. */
function identityOf({
  repoId,
  name,
  spec,
}: DueSchedule): Pick<Parameters<typeof decideSchedule>[0], 'repo' | 'name' | 'spec'> {
  return { repo: String(repoId), name, spec };
}

function firstLine(text: string): string {
  return text.trim().split('\n', 1)[0]?.slice(0, 120) ?? '';
}
