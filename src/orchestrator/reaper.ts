import { listOpenAttempts } from '../db/attempts.ts';
import type { Queryable } from '../db/db.ts';
import { notifyWork } from '../db/enqueue.ts';
import type { JobRow } from '../db/job-rows.ts';
import { endLostAttempts } from '../db/lost-attempts.ts';
import type { DeadRunner } from '../db/runners.ts';
import { endLostJobs, leaveRunner, listDeadRunners } from '../db/runners.ts';
import type { AttemptEnd } from '../db/turn.ts';
import { decideAfterAttempt } from '../domain/attempt-outcome.ts';
import type { AgentLimits } from '../domain/spec.ts';
import type { Service } from '../kernel/service.ts';
import { every } from '../kernel/service.ts';
import type { UpkeepDeps } from './upkeep.ts';

const EVERY_MS = 5_000;
/** Beyond the lease: a runner kills its own workers before it ends, so nobody works twice. */
const GRACE_MS = 10_000;

/** Takes the jobs of runners that are gone and lets others have them. */
export function createReaper(deps: UpkeepDeps): Service {
  return every(deps, { intervalMs: EVERY_MS }, async () => {
    await reapDeadRunners(deps);
  });
}

/** One round, one runner a transaction. Answers how many jobs were taken. */
export async function reapDeadRunners({ db, clock, log }: UpkeepDeps): Promise<number> {
  let taken = 0;
  for (const dead of await listDeadRunners(db, { graceMs: GRACE_MS })) {
    const now = clock.now().getTime();
    const jobs = await db.transaction((tx) => reap(tx, dead, now));
    taken += jobs;
    log.warn({ runner: dead.id, host: dead.host, jobs }, 'runner is gone, its jobs go to others');
  }
  if (taken > 0) {
    await notifyWork(db);
  }
  return taken;
}

async function reap(tx: Queryable, dead: DeadRunner, now: number): Promise<number> {
  if (dead.expired) {
    await leaveRunner(tx, { id: dead.id, epoch: dead.upToEpoch });
  }
  const attempts = await listOpenAttempts(tx, dead.id);
  const limits = new Map(attempts.map(({ jobId, spec }) => [jobId, spec.limits]));
  const lost = await endLostJobs(tx, {
    runner: dead.id,
    upToEpoch: dead.upToEpoch,
    decide: (job) => decideLost(job, limits.get(job.id), now),
  });

  // Windows are locked last, after jobs, lanes and slots.
  await endLostAttempts(tx, lost);
  return lost.length;
}

function decideLost(
  job: JobRow,
  limits: AgentLimits | undefined,
  now: number,
): Omit<AttemptEnd, 'id' | 'attempt'> {
  const outcome = decideAfterAttempt({
    jobId: String(job.id),
    reason: 'lost',
    attempts: job.attempts - 1 - job.uncounted,
    uncounted: job.uncounted,
    repeats: 0,
    limits: limits ?? { attempts: 1, lifetimeMs: Number.POSITIVE_INFINITY },
    hasEffects: false,
    createdAt: job.createdAt.getTime(),
    now,
  });
  if (outcome.state === 'running') {
    throw new Error('an attempt that ended cannot go on');
  }
  return {
    state: outcome.state,
    reason: 'lost',
    detail: 'Its runner stopped answering.',
    uncounted: false,
    ...(outcome.waitReason && { waitReason: outcome.waitReason }),
    ...(outcome.wakeAt !== undefined && { wakeAt: new Date(outcome.wakeAt) }),
  };
}
