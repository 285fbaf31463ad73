import type { Db } from '../db/db.ts';
import { heartbeat } from '../db/runners.ts';
import type { Clock } from '../kernel/clock.ts';
import { AppError } from '../kernel/errors.ts';
import type { Log } from '../kernel/log.ts';
import type { RunnerSession } from './claim.ts';

/** How long a runner may be silent before its jobs are taken, and what follows from that. Milliseconds. */
export interface LeaseTimes {
  readonly leaseMs: number;
  readonly heartbeatMs: number;
  /** Without an answer for lease minus this the runner ends its workers itself: before anybody takes their jobs. */
  readonly marginMs: number;
}

export const LEASE_TIMES: LeaseTimes = { leaseMs: 60_000, heartbeatMs: 15_000, marginMs: 10_000 };

const RETRY_MS = 1000;

/**
 * Keeps a runner's lease until `signal` aborts. Resolves before that when the lease is lost: somebody else has the
 * epoch, or the database did not answer in time. Time is counted by timers, which a changed clock does not move.
 */
export async function holdLease(
  { db, clock, log }: { db: Db; clock: Clock; log: Log },
  session: RunnerSession,
  { leaseMs, heartbeatMs, marginMs }: LeaseTimes,
  signal: AbortSignal,
): Promise<void> {
  const lost = new AbortController();
  let acknowledged = new AbortController();
  const watchSilence = async (answered: AbortSignal): Promise<void> => {
    await clock.sleep(leaseMs - marginMs, AbortSignal.any([answered, signal]));
    if (!answered.aborted && !signal.aborted) {
      log.error({ runner: session.id }, 'no heartbeat was acknowledged in time: workers are ended');
      lost.abort();
    }
  };
  void watchSilence(acknowledged.signal);

  const until = AbortSignal.any([signal, lost.signal]);
  let waitMs = heartbeatMs;
  while (!until.aborted) {
    await clock.sleep(waitMs, until);
    if (until.aborted) {
      break;
    }
    const answer = await Promise.race([
      beat(db, session, leaseMs),
      // A connection that hangs must not keep us from noticing that time is up.
      clock.sleep(leaseMs, until).then(() => 'late' as const),
    ]);
    if (answer === 'gone') {
      log.warn(
        { runner: session.id, epoch: session.epoch },
        'this epoch is over: workers are ended',
      );
      break;
    }
    waitMs = answer === 'kept' ? heartbeatMs : RETRY_MS;
    if (answer === 'kept') {
      acknowledged.abort();
      acknowledged = new AbortController();
      void watchSilence(acknowledged.signal);
    }
  }
  acknowledged.abort();
}

async function beat(
  db: Db,
  session: RunnerSession,
  leaseMs: number,
): Promise<'kept' | 'gone' | 'late'> {
  try {
    return (await heartbeat(db, { ...session, leaseMs })) ? 'kept' : 'gone';
  } catch (error) {
    if (error instanceof AppError && error.retryable) {
      return 'late';
    }
    throw error;
  }
}
