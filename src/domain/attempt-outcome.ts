import { backoffMs } from './backoff.ts';
import type { JobReason } from './end-reason-text.ts';
import { endReasonPolicy, type EndReason } from './end-reason.ts';
import type { JobState, WaitReason } from './job-state.ts';

/** Attempts that do not count (rate limits, provider changes, answers) that one job may have. */
export const MOST_UNCOUNTED = 10;

export interface EndedAttempt {
  /** Seeds the backoff, so that jobs which failed together do not come back together. */
  readonly jobId: string;
  readonly reason: EndReason;
  /** Counted attempts before this one: neither it nor the uncounted ones are in this number. */
  readonly attempts: number;
  /** Uncounted attempts before this one. */
  readonly uncounted: number;
  /** How many earlier attempts of the job ended for the same reason. */
  readonly repeats: number;
  readonly limits: { readonly attempts: number; readonly lifetimeMs: number };
  /** Whether the same inputs give the same outputs again: a script, and no model behind it. Undefined: no. */
  readonly deterministic?: boolean;
  /** Whether anything is to be written to the forge (staged effects are not). */
  readonly hasEffects: boolean;
  /** Epoch milliseconds. */
  readonly createdAt: number;
  readonly now: number;
  /** When a provider that this job may use is free again; undefined: one is free now. */
  readonly providerFreeAt?: number;
  /** Whether the next provider of the agent's list takes over: it can work now, so there is nothing to wait for. */
  readonly fallsBack?: boolean;
  /** For the reason `budget`: what the exhausted budget says, and when its window ends. */
  readonly budget?: {
    readonly onExhausted: 'question' | 'wait' | 'fail';
    readonly windowEndsAt: number;
  };
}

/** What a job's row becomes. `wakeAt` (epoch milliseconds) is undefined where only people wake it. */
export interface AttemptOutcome {
  readonly state: JobState;
  /** Kept also while waiting or publishing: why the last attempt ended. */
  readonly reason: JobReason;
  readonly waitReason?: WaitReason;
  readonly wakeAt?: number;
  /** The new counts, this attempt included. */
  readonly attempts: number;
  readonly uncounted: number;
  readonly freshSession: boolean;
  readonly notify: boolean;
}

/**
 * Where a running job goes when its attempt ends. Success with something to write is `publishing`, whatever
 * follows from that is decided by `decideAfterEffects`. A failure is tried again while the reason allows it,
 * attempts are left and the lifetime is not over.
 */
export function decideAfterAttempt(ended: EndedAttempt): AttemptOutcome {
  const policy = endReasonPolicy(ended.reason);
  const common = {
    reason: ended.reason,
    attempts: ended.attempts + (policy.countsAttempt ? 1 : 0),
    uncounted: ended.uncounted + (policy.countsAttempt ? 0 : 1),
    freshSession: policy.freshSession,
    notify: policy.notify,
  };

  if (policy.next === 'success') {
    const publishes = ended.hasEffects && ended.reason !== 'staged';
    return publishes
      ? { ...common, state: 'publishing' }
      : { ...common, ...decideAfterEffects({ reason: ended.reason, needsPeople: false }) };
  }
  if (ended.reason === 'cancelled' || ended.reason === 'superseded') {
    return { ...common, state: 'cancelled' };
  }
  if (ended.reason === 'budget') {
    return { ...common, ...decideAfterBudget(ended) };
  }
  return { ...common, ...decideRetry(ended, common) };
}

/**
 * Where a publishing job goes when its last effect is done: to people where they are needed (an open merge
 * request), to `waiting(question)` for an answer, else to its end.
 */
export function decideAfterEffects({
  reason,
  needsPeople,
}: {
  reason: EndReason;
  needsPeople: boolean;
}): { state: JobState; waitReason?: WaitReason } {
  if (reason === 'question') {
    return { state: 'waiting', waitReason: 'question' };
  }
  return { state: needsPeople ? 'review' : 'succeeded' };
}

type Move = Pick<AttemptOutcome, 'state' | 'waitReason' | 'wakeAt'> &
  Partial<Pick<AttemptOutcome, 'reason' | 'notify'>>;

/** A spent attempt limit is the end; a spent budget does what the budget says, within the lifetime. */
function decideAfterBudget({ budget, createdAt, limits, now }: EndedAttempt): Move {
  const endsAt = createdAt + limits.lifetimeMs;
  if (!budget || budget.onExhausted === 'fail' || now >= endsAt) {
    return { state: 'failed' };
  }
  if (budget.onExhausted === 'question') {
    // The next claim finds no room, and asks: one place does, with the budget's row locked.
    return { state: 'waiting', waitReason: 'budget', wakeAt: now };
  }
  return budget.windowEndsAt < endsAt
    ? { state: 'waiting', waitReason: 'budget', wakeAt: budget.windowEndsAt }
    : { state: 'failed' };
}

function decideRetry(
  ended: EndedAttempt,
  counts: { readonly attempts: number; readonly uncounted: number },
): Move {
  const policy = endReasonPolicy(ended.reason);
  const attemptsLeft = counts.attempts < ended.limits.attempts && counts.uncounted < MOST_UNCOUNTED;
  const retriesLeft = ended.repeats < mostRetries(ended);
  if (!policy.retry || !attemptsLeft || !retriesLeft) {
    return { state: 'failed', notify: true };
  }

  if (ended.fallsBack === true && ended.now < ended.createdAt + ended.limits.lifetimeMs) {
    return { state: 'queued' };
  }
  const wait = nextTry(ended, counts);
  return wait.wakeAt < ended.createdAt + ended.limits.lifetimeMs
    ? { state: 'waiting', ...wait }
    : { state: 'failed', notify: true };
}

/** One more try of a script tells a passing cause from a lasting one; further ones tell nothing. */
function mostRetries({ reason, deterministic }: EndedAttempt): number {
  const isOfOutputs = reason === 'invalid_output' || reason === 'no_output';
  const { mostRetries: most = Number.POSITIVE_INFINITY } = endReasonPolicy(reason);
  return deterministic && isOfOutputs ? Math.min(1, most) : most;
}

/** What costs no attempt waits for its provider; without a known reset, and for all else, it backs off. */
function nextTry(
  { reason, jobId, now, providerFreeAt }: EndedAttempt,
  { attempts, uncounted }: { readonly attempts: number; readonly uncounted: number },
): { waitReason: WaitReason; wakeAt: number } {
  const backoffAt = now + backoffMs(attempts + uncounted, jobId);
  const cools = reason === 'rate_limited' || reason === 'provider_overloaded';
  if (cools && providerFreeAt !== undefined) {
    return { waitReason: 'cooldown', wakeAt: Math.max(backoffAt, providerFreeAt) };
  }
  return { waitReason: 'retry', wakeAt: backoffAt };
}
