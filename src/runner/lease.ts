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
  const over = new AbortController();
  const until = AbortSignal.any([signal, over.signal]);
  const loseUnless = async (superseded: AbortSignal): Promise<void> => {
    await clock.sleep(leaseMs - marginMs, AbortSignal.any([superseded, until]));
    if (!superseded.aborted && !until.aborted) {
      log.error({ runner: session.id }, 'no heartbeat was acknowledged in time: workers are ended');
      over.abort();
    }
  };
  /** Counts from now, the moment a heartbeat is sent: its lease may begin then, however late the answer comes. */
  const watchSilence = (): AbortController => {
    const superseded = new AbortController();
    void loseUnless(superseded.signal);
    return superseded;
  };

  let acknowledged = watchSilence();
  let waitMs = heartbeatMs;
  try {
    while (!until.aborted) {
      await clock.sleep(waitMs, until);
      if (until.aborted) {
        break;
      }
      const sent = watchSilence();
      const answer = await orLate(clock, beat(db, session, leaseMs), { leaseMs, until });
      if (answer === 'gone') {
        log.warn(
          { runner: session.id, epoch: session.epoch },
          'this epoch is over: workers are ended',
        );
        break;
      }
      const kept = answer === 'kept';
      waitMs = kept ? heartbeatMs : RETRY_MS;
      (kept ? acknowledged : sent).abort();
      acknowledged = kept ? sent : acknowledged;
    }
  } finally {
    over.abort();
  }
}

/** A connection that hangs must not keep us from noticing that time is up. */
async function orLate<T>(
  clock: Clock,
  answer: Promise<T>,
  { leaseMs, until }: { leaseMs: number; until: AbortSignal },
): Promise<T | 'late'> {
  const answered = new AbortController();
  const late = clock.sleep(leaseMs, AbortSignal.any([until, answered.signal]));
  try {
    return await Promise.race([answer, late.then(() => 'late' as const)]);
  } finally {
    answered.abort();
  }
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
