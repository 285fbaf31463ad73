/** Why an attempt, and with it perhaps its job, ended. Stored in rows and shown: never rename one. */
export const END_REASONS = [
  'succeeded',
  'noop',
  'question',
  'staged',
  'no_output',
  'invalid_output',
  'patch_refused',
  'check_failed',
  'setup_failed',
  'timeout_wall',
  'timeout_idle',
  'limit_turns',
  'limit_memory',
  'limit_processes',
  'limit_disk',
  'limit_output',
  'budget',
  'rate_limited',
  'provider_auth',
  'provider_overloaded',
  'provider_error',
  'context_overflow',
  'crashed',
  'lost',
  'loop',
  'denied',
  'base_conflict',
  'cancelled',
  'superseded',
  'sandbox',
  'internal',
] as const;

export type EndReason = (typeof END_REASONS)[number];

export interface EndReasonPolicy {
  /** Whether the same job is tried again. */
  readonly retry: boolean;
  /** Whether the attempt uses up one of `limits.attempts`; what does not is bounded by a count of its own. */
  readonly countsAttempt: boolean;
  /** Whether the next attempt begins without the provider's session, because that one led nowhere. */
  readonly freshSession: boolean;
  /** Whether people are told at once, beside what the dashboard shows. */
  readonly notify: boolean;
  readonly next: 'retry' | 'final' | 'success';
  /** At most so many retries for this reason, whatever `limits.attempts` says. */
  readonly mostRetries?: number;
}

const SUCCESS = {
  retry: false,
  countsAttempt: true,
  freshSession: false,
  notify: false,
  next: 'success',
} as const satisfies EndReasonPolicy;

/** Tried again in the same session: what went wrong is the next input. */
const CONTINUE = {
  retry: true,
  countsAttempt: true,
  freshSession: false,
  notify: false,
  next: 'retry',
} as const satisfies EndReasonPolicy;

/** Tried again from the start. */
const RESTART = { ...CONTINUE, freshSession: true } as const satisfies EndReasonPolicy;

/** Not the job's fault: tried again without using up one of its attempts. */
const UNCOUNTED = { ...CONTINUE, countsAttempt: false } as const satisfies EndReasonPolicy;

/** Trying again would only cost the same again. */
const FINAL = {
  retry: false,
  countsAttempt: true,
  freshSession: false,
  notify: true,
  next: 'final',
} as const satisfies EndReasonPolicy;

const POLICIES: Readonly<Record<EndReason, EndReasonPolicy>> = {
  succeeded: SUCCESS,
  noop: SUCCESS,
  // The answer queues the same job again, as an attempt that does not count.
  question: { ...SUCCESS, countsAttempt: false, notify: true },
  staged: SUCCESS,
  no_output: RESTART,
  invalid_output: CONTINUE,
  // Nothing is half-applied, and an agent that is told what the check looks for learns to pass it.
  patch_refused: FINAL,
  check_failed: CONTINUE,
  setup_failed: { ...RESTART, notify: true },
  timeout_wall: CONTINUE,
  timeout_idle: RESTART,
  limit_turns: CONTINUE,
  limit_memory: RESTART,
  limit_processes: RESTART,
  limit_disk: RESTART,
  limit_output: RESTART,
  budget: FINAL,
  rate_limited: UNCOUNTED,
  provider_auth: { ...UNCOUNTED, freshSession: true, notify: true },
  provider_overloaded: UNCOUNTED,
  provider_error: CONTINUE,
  context_overflow: RESTART,
  crashed: CONTINUE,
  // Counted: a job that brings its runner down must not do so for ever.
  lost: CONTINUE,
  loop: FINAL,
  denied: FINAL,
  base_conflict: { ...RESTART, mostRetries: 1 },
  cancelled: { ...FINAL, countsAttempt: false, notify: false },
  superseded: { ...FINAL, countsAttempt: false, notify: false },
  sandbox: { ...UNCOUNTED, freshSession: true, notify: true },
  internal: { ...RESTART, notify: true },
};

export function endReasonPolicy(reason: EndReason): EndReasonPolicy {
  return POLICIES[reason];
}

export function isEndReason(name: string): name is EndReason {
  return Object.hasOwn(POLICIES, name);
}
