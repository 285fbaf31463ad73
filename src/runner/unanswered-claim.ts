import type { Db } from '../db/db.ts';
import { endLostAttempts } from '../db/lost-attempts.ts';
import { endLostJobs } from '../db/runners.ts';
import { decideLost } from '../domain/lost-job.ts';
import type { Clock } from '../kernel/clock.ts';
import type { Log } from '../kernel/log.ts';
import type { RunnerSession } from './claim.ts';
import type { RunningAttempts } from './running-attempts.ts';

/**
 * Queues again what this session has claimed and does not run. A claim that got no answer may have been committed all
 * the same, and as our heartbeat goes on nobody else would ever take its jobs. No claim may be under way meanwhile.
 */
export async function giveBackUnanswered(
  { db, clock, log }: { db: Db; clock: Clock; log: Log },
  { id: runner, epoch }: RunnerSession,
  running: RunningAttempts,
): Promise<void> {
  const now = clock.now().getTime();
  const lost = await db.transaction(async (tx) => {
    const jobs = await endLostJobs(tx, {
      runner,
      upToEpoch: epoch,
      except: running.jobIds,
      decide: (job) => decideLost(job, { loss: 'unanswered', limits: undefined, now }),
    });
    await endLostAttempts(tx, jobs);
    return jobs;
  });
  if (lost.length > 0) {
    log.warn({ runner, jobs: lost.map(({ job }) => job.id) }, 'gave back jobs of a lost claim');
  }
}
