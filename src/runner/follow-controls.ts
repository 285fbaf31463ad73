import { ackControl, pendingControls } from '../db/controls.ts';
import type { Db } from '../db/db.ts';
import type { Wake } from '../db/wake.ts';
import type { Clock } from '../kernel/clock.ts';
import type { Log } from '../kernel/log.ts';
import { every } from '../kernel/service.ts';
import type { RunnerSession } from './claim.ts';
import type { RunningAttempts } from './running-attempts.ts';

const POLL_MS = 500;

/**
 * Carries out what people order while jobs run: a cancel ends its worker at once when the bus brings word of it, and
 * within a second when the bus is down, as the rows are looked at anyway. A drain needs nothing here, as the database
 * hands a draining runner no more jobs; it is acknowledged.
 */
export async function followControls(
  { db, clock, log, wake }: { db: Db; clock: Clock; log: Log; wake: Wake },
  session: RunnerSession,
  running: RunningAttempts,
  signal: AbortSignal,
): Promise<void> {
  const round = async (): Promise<void> => {
    const sequence = wake.sequence();
    for (const { id, verb, jobId, actor } of await pendingControls(db, session.id)) {
      if (verb === 'cancel' && jobId !== null && !running.stop(jobId, 'cancelled')) {
        continue; // claimed and not started yet: it is asked for again until it runs, or is over
      }
      log.info({ control: id, verb, jobId, actor }, 'control carried out');
      await ackControl(db, { id, runner: session.id });
    }
    await wake.wait(sequence, POLL_MS, signal);
  };
  await every({ clock, log }, { intervalMs: 0, maxBackoffMs: POLL_MS }, round)(signal);
}
