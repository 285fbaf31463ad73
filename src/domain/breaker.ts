import { endReasonPolicy, type EndReason } from './end-reason.ts';

/** How many failures, or runs without progress, in a row stop a lane, and for how long. */
const TRIP_AFTER = 3;
export const HALF_OPEN_AFTER_MS = 24 * 3_600_000;

/** The breaker of one lane, as its row holds it. Times in epoch milliseconds. */
export interface Breaker {
  /** In a row. */
  readonly failures: number;
  readonly idleRuns: number;
  /** Undefined while it is closed. */
  readonly trippedAt: number | undefined;
}

export const CLOSED_BREAKER: Breaker = { failures: 0, idleRuns: 0, trippedAt: undefined };

export type BreakerEvent = 'progress' | 'no_progress' | 'failure';

/**
 * What the end of a job says about its lane. `noop`, `question` and `staged` are progress: the agent did what
 * it should. Undefined says nothing: somebody cancelled, or a provider or this machine was in the way.
 *
 * @param hasResult whether anything came of a success
 */
export function breakerEvent(reason: EndReason, hasResult: boolean): BreakerEvent | undefined {
  const policy = endReasonPolicy(reason);
  if (policy.next === 'success') {
    return reason === 'succeeded' && !hasResult ? 'no_progress' : 'progress';
  }
  return policy.countsAttempt ? 'failure' : undefined;
}

/**
 * The breaker after a job of its lane ended. Progress closes it; a third failure or idle run trips it, and so
 * does a single one while it lets one job try.
 */
export function nextBreaker(breaker: Breaker, event: BreakerEvent, now: number): Breaker {
  if (event === 'progress') {
    return CLOSED_BREAKER;
  }
  const failures = event === 'failure' ? breaker.failures + 1 : 0;
  const idleRuns = event === 'no_progress' ? breaker.idleRuns + 1 : 0;
  const trips =
    failures >= TRIP_AFTER || idleRuns >= TRIP_AFTER || breakerState(breaker, now) === 'half_open';
  return { failures, idleRuns, trippedAt: trips ? now : breaker.trippedAt };
}

/** `open` holds the lane; `half_open` lets one job try; a person may close it at any time. */
export function breakerState(breaker: Breaker, now: number): 'closed' | 'open' | 'half_open' {
  if (breaker.trippedAt === undefined) {
    return 'closed';
  }
  return now < breaker.trippedAt + HALF_OPEN_AFTER_MS ? 'open' : 'half_open';
}
