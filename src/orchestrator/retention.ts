import { deleteOldArtifacts, deleteOldEvents, dropOldPartitions } from '../db/retention.ts';
import { deleteOldWorkerSessions } from '../db/worker-sessions.ts';
import type { Service } from '../kernel/service.ts';
import { every } from '../kernel/service.ts';
import type { UpkeepDeps } from './upkeep.ts';

const EVERY_MS = 6 * 3_600_000;

/** For how many days things are kept. Ledger and audit stay for ever. */
const KEEP_DAYS = {
  transcripts: 30,
  jobEvents: 90,
  jobs: 400,
  artifacts: 7,
  events: 7,
  sessions: 30,
} as const;

/** Forgets what is old, a few times a day. */
export function createRetention(deps: UpkeepDeps): Service {
  return every(deps, { intervalMs: EVERY_MS }, async () => {
    await forgetOld(deps);
  });
}

/** One round. Answers what went, by kind. */
export async function forgetOld({
  db,
  log,
}: Pick<UpkeepDeps, 'db' | 'log'>): Promise<Record<keyof typeof KEEP_DAYS, number>> {
  const gone = {
    transcripts: await dropOldPartitions(db, 'transcript', { days: KEEP_DAYS.transcripts }),
    jobEvents: await dropOldPartitions(db, 'job_event', { days: KEEP_DAYS.jobEvents }),
    // Results go by when their job ended, so they go before the job.
    artifacts: await deleteOldArtifacts(db, { days: KEEP_DAYS.artifacts }),
    jobs: await dropOldPartitions(db, 'job_done', { days: KEEP_DAYS.jobs }),
    events: await deleteOldEvents(db, { days: KEEP_DAYS.events }),
    sessions: await deleteOldWorkerSessions(db, { days: KEEP_DAYS.sessions }),
  };
  if (Object.values(gone).some((count) => count > 0)) {
    log.info(gone, 'old rows forgotten');
  }
  return gone;
}
