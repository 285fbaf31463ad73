import type { Retention } from '../config/retention.ts';
import { deleteOldDeliveries } from '../db/hook-deliveries.ts';
import { deleteOldArtifacts, deleteOldEvents, dropOldPartitions } from '../db/retention.ts';
import { deleteOldWorkerSessions } from '../db/worker-sessions.ts';
import type { Service } from '../kernel/service.ts';
import { every } from '../kernel/service.ts';
import type { UpkeepDeps } from './upkeep.ts';

interface RetentionDeps extends UpkeepDeps {
  /** How long things are kept, by what ops say today. */
  keep: () => Retention;
}

const EVERY_MS = 6 * 3_600_000;

/** Forgets what is old, a few times a day. */
export function createRetention(deps: RetentionDeps): Service {
  return every(deps, { intervalMs: EVERY_MS }, async () => {
    await forgetOld(deps);
  });
}

/** One round. Answers what went, by kind. */
export async function forgetOld({
  db,
  log,
  keep,
}: Pick<RetentionDeps, 'db' | 'log' | 'keep'>): Promise<Record<keyof Retention, number>> {
  const days = keep();
  const gone = {
    transcripts: await dropOldPartitions(db, 'transcript', { days: days.transcripts }),
    jobEvents: await dropOldPartitions(db, 'job_event', { days: days.jobEvents }),
    // Results go by when their job ended, so they go before the job.
    artifacts: await deleteOldArtifacts(db, { days: days.artifacts }),
    jobs: await dropOldPartitions(db, 'job_done', { days: days.jobs }),
    events:
      (await deleteOldEvents(db, { days: days.events })) +
      // That one came is kept as long as what came of it: longer than it can be sent again.
      (await deleteOldDeliveries(db, { days: days.events })),
    sessions: await deleteOldWorkerSessions(db, { days: days.sessions }),
  };
  if (Object.values(gone).some((count) => count > 0)) {
    log.info(gone, 'old rows forgotten');
  }
  return gone;
}
