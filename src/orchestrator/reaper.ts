import { listOpenAttempts } from '../db/attempts.ts';
import type { Queryable } from '../db/db.ts';
import { notifyWork } from '../db/enqueue.ts';
import { endLostAttempts } from '../db/lost-attempts.ts';
import type { DeadRunner } from '../db/runners.ts';
import { endLostJobs, leaveRunner, listDeadRunners } from '../db/runners.ts';
import { decideLost } from '../domain/lost-job.ts';
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
    decide: (job) => decideLost(job, { loss: 'silent', limits: limits.get(job.id), now }),
  });

  // Windows are locked last, after jobs, lanes and slots.
  await endLostAttempts(tx, lost);
  return lost.length;
}
