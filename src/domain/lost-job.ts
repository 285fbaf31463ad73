import { decideAfterAttempt, type AttemptOutcome } from './attempt-outcome.ts';
import type { AgentLimits } from './spec.ts';

/**
 * How a job lost the runner that had it: `silent`, it stopped answering; `restarted`, it came back as another process
 * and begins anew; `unanswered`, it never heard that it had claimed the job, so nothing was begun.
 */
type Loss = 'silent' | 'restarted' | 'unanswered';

interface LostJobFacts {
  readonly id: number;
  /** Of the job as it was claimed: this attempt and the uncounted ones included. */
  readonly attempts: number;
  readonly uncounted: number;
  readonly createdAt: Date;
}

interface LostEnd extends Pick<AttemptOutcome, 'waitReason'> {
  readonly state: Exclude<AttemptOutcome['state'], 'running'>;
  readonly reason: 'lost';
  readonly detail: string;
  readonly uncounted: boolean;
  readonly wakeAt?: Date;
}

const WHAT = {
  silent: 'Its runner stopped answering',
  restarted: 'Its runner went away',
  unanswered: 'The answer to its claim was lost',
} as const satisfies Record<Loss, string>;

/**
 * Where a job goes whose runner is gone. What was begun counts: a job that brings its runner down must not do so for
 * ever. It is begun again at once where another runner, or the same one, surely is there; where a runner fell silent
 * it waits like after any failure, as what it ran on may be what failed.
 *
 * @param limits of the attempt; undefined where none was written, so that nothing says when to stop
 */
export function decideLost(
  job: LostJobFacts,
  { loss, limits, now }: { loss: Loss; limits: AgentLimits | undefined; now: number },
): LostEnd {
  const what = WHAT[loss];
  const again: LostEnd = {
    state: 'queued',
    reason: 'lost',
    detail: `${what}; the next free runner takes it over.`,
    uncounted: loss === 'unanswered',
  };
  if (loss === 'unanswered') {
    return again;
  }

  const { state, waitReason, wakeAt } = decideAfterAttempt({
    jobId: String(job.id),
    reason: 'lost',
    attempts: job.attempts - 1 - job.uncounted,
    uncounted: job.uncounted,
    repeats: 0,
    limits: limits ?? { attempts: Number.POSITIVE_INFINITY, lifetimeMs: Number.POSITIVE_INFINITY },
    hasEffects: false,
    createdAt: job.createdAt.getTime(),
    now,
  });
  if (state === 'failed') {
    return { ...again, state, detail: `${what} during its last attempt.` };
  }
  if (loss === 'restarted') {
    return again;
  }
  if (state !== 'waiting') {
    throw new Error(`a job that lost its runner cannot become ${state}`);
  }
  return {
    ...again,
    state,
    ...(waitReason && { waitReason }),
    ...(wakeAt !== undefined && { wakeAt: new Date(wakeAt) }),
  };
}
