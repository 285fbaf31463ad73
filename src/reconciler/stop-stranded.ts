import { cancelJob } from '../db/controls.ts';
import type { Db } from '../db/db.ts';
import { listStrandedJobs, lockStrandedJob } from '../db/lane-jobs.ts';
import type { Log } from '../kernel/log.ts';

/** At most so many jobs a call; the next call goes on. */
const BATCH = 200;

/**
 * Stops what the file does not want any more: work that runs for a disabled or removed agent, and what a removed
 * one has queued. Level-triggered, so a crash between the hold and this loses nothing; one job a transaction,
 * because a job is locked before its lane. Answers how many were stopped.
 */
export async function stopStranded({ db, log }: { db: Db; log: Log }): Promise<number> {
  const jobs = await listStrandedJobs(db, BATCH);
  let stopped = 0;
  for (const { id, reason } of jobs) {
    const outcome = await db.transaction(async (tx) =>
      (await lockStrandedJob(tx, id)) ? cancelJob(tx, { id, actor: 'autodev', reason }) : undefined,
    );
    stopped += outcome === undefined ? 0 : 1;
  }
  if (stopped > 0) {
    log.info({ stopped }, 'jobs of agents that are gone stopped');
  }
  return stopped;
}
