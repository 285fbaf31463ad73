import { insertArtifact } from '../db/artifacts.ts';
import type { AttemptFence } from '../db/attempts.ts';
import { endAttempt, listAttempts } from '../db/attempts.ts';
import { recordForBreaker } from '../db/breakers.ts';
import { settleWindows } from '../db/budgets.ts';
import type { Db, Queryable } from '../db/db.ts';
import { insertEffects } from '../db/effects.ts';
import { insertJobs } from '../db/enqueue.ts';
import { recordEvents } from '../db/events.ts';
import { handOverTo } from '../db/hand-over.ts';
import { upsertRunNote } from '../db/run-notes.ts';
import { turn } from '../db/turn.ts';
import { keepWorkerSession } from '../db/worker-sessions.ts';
import type { AttemptOutcome } from '../domain/attempt-outcome.ts';
import { decideAfterAttempt } from '../domain/attempt-outcome.ts';
import { breakerEvent } from '../domain/breaker.ts';
import { describeReason } from '../domain/end-reason-text.ts';
import type { EndReason } from '../domain/end-reason.ts';
import { endReasonPolicy } from '../domain/end-reason.ts';
import { formatJobId } from '../domain/job-id.ts';
import { isFinal } from '../domain/job-state.ts';
import type { Clock } from '../kernel/clock.ts';
import type { AttemptResult } from './attempt.ts';
import type { ClaimedAttempt } from './claim.ts';
import type { StateDeps } from './credential-states.ts';
import { effectsOf } from './effects-of.ts';
import { planHandOffs } from './hand-offs.ts';
import { nextTryOf } from './next-try.ts';

interface CompleteDeps extends StateDeps {
  readonly db: Db;
  readonly clock: Clock;
}

interface Completed {
  readonly claimed: ClaimedAttempt;
  readonly fence: AttemptFence;
  readonly result: AttemptResult;
}

/** Thrown to roll back: the job is somebody else's by now, and nothing of this attempt may stand. */
class Stale extends Error {}

/**
 * Writes what an attempt came to, all of it or nothing: result, note, effects, hand-offs, spend, and where the job
 * goes. Undefined when the attempt is not ours any more; then nothing was written.
 *
 * Locks job, lane, slot and budget windows in that order, as everybody does.
 */
export async function completeAttempt(
  deps: CompleteDeps,
  completed: Completed,
): Promise<AttemptOutcome['state'] | undefined> {
  try {
    return await deps.db.transaction((tx) => write(deps, tx, completed));
  } catch (error) {
    if (error instanceof Stale) {
      return undefined;
    }
    throw error;
  }
}

async function write(
  deps: CompleteDeps,
  tx: Queryable,
  { claimed, fence, result }: Completed,
): Promise<AttemptOutcome['state']> {
  const now = deps.clock.now();
  const { job, spec, attempt } = claimed;
  const { change, checks } = result;
  const head = change?.head ?? result.base;
  const handed =
    result.failure === undefined
      ? await planHandOffs(tx, claimed, { outputs: result.outputs, head })
      : { failure: result.failure };
  const failure = 'failure' in handed ? handed.failure : undefined;
  const children = 'children' in handed ? handed.children : [];
  const effects = failure === undefined ? effectsOf(job, spec, result.outputs) : [];
  const reason = failure?.reason ?? successOf(result, effects, children.length);
  const detail = failure?.detail ?? describeReason(reason).sentence;
  const counted = endReasonPolicy(reason).countsAttempt;

  const earlier = (await listAttempts(tx, job.id)).filter((one) => one.attempt < job.attempts);
  const outcome = decideAfterAttempt({
    jobId: formatJobId(job.id),
    reason,
    attempts: job.attempts - 1 - job.uncounted,
    uncounted: job.uncounted,
    repeats: earlier.filter((one) => one.reason === reason).length,
    limits: spec.limits,
    deterministic: claimed.deterministic,
    hasEffects: effects.some(({ staged }) => !staged),
    createdAt: job.createdAt.getTime(),
    now: now.getTime(),
    ...(await nextTryOf(deps, tx, { claimed, reason, now: now.getTime() })),
  });

  const { spent } = result;
  const ending = { reason, detail, counted, ...spent, checks };
  if (!(await endAttempt(tx, fence, ending))) {
    throw new Stale();
  }
  if (failure === undefined && change !== undefined) {
    const { patch: _patch, ...artifact } = change;
    const of = { jobId: job.id, attempt: job.attempts, repoId: job.repoId };
    await insertArtifact(tx, { ...of, ...artifact });
  }
  await upsertRunNote(tx, {
    jobId: job.id,
    repoId: job.repoId,
    agent: job.agent,
    outcome: outcome.state,
    reason,
    title: job.title,
    summary: summaryOf(result, detail),
    paths: failure === undefined ? (change?.stat.paths ?? []) : [],
    trust: job.trust,
  });
  if (result.session !== undefined) {
    await keepWorkerSession(tx, { ...result.session, jobId: job.id, trust: job.trust });
  }
  if (result.handOver !== undefined && !isFinal(outcome.state)) {
    const at = now.toISOString();
    await handOverTo(tx, job.id, { author: 'autodev', text: result.handOver, at });
  }
  if (effects.length + children.length > 0) {
    await insertEffects(tx, effects);
    await insertJobs(tx, children);
  }
  await endJob(tx, { fence, outcome, reason, detail, counted });
  // What is published counts when that is done: an agent whose work never gets out makes no progress.
  const event = isFinal(outcome.state)
    ? breakerEvent(reason, effects.length + children.length > 0)
    : undefined;
  if (event !== undefined) {
    await recordForBreaker(tx, job, event, now);
  }
  if (outcome.state === 'succeeded' && reason === 'succeeded') {
    await recordEvents(tx, [
      {
        repoId: job.repoId,
        type: 'job_succeeded',
        key: `job_succeeded:${job.id}`,
        payload: { job_id: job.id, agent: job.agent },
      },
    ]);
  }
  const { reservedMicroUsd: microUsd, reservedTokens: tokens, windows } = attempt;
  await settleWindows(tx, [{ of: fence, windows, reserved: { microUsd, tokens }, spent }]);
  return outcome.state;
}

async function endJob(
  tx: Queryable,
  {
    fence,
    outcome: { state, waitReason, wakeAt },
    reason,
    detail,
    counted,
  }: {
    fence: AttemptFence;
    outcome: Pick<AttemptOutcome, 'state' | 'waitReason' | 'wakeAt'>;
    reason: EndReason;
    detail: string;
    counted: boolean;
  },
): Promise<void> {
  if (state === 'running') {
    throw new Error('an attempt that ended leaves no job running');
  }
  const { accepted } = await turn(tx, {
    ends: [
      {
        id: fence.jobId,
        attempt: fence.attempt,
        state,
        reason,
        detail,
        uncounted: !counted,
        ...(waitReason && { waitReason }),
        ...(wakeAt !== undefined && { wakeAt: new Date(wakeAt) }),
      },
    ],
    runner: fence.runner,
    epoch: fence.epoch,
    agents: [],
    claim: 0,
    lanes: 0,
  });
  if (accepted.length === 0) {
    throw new Stale();
  }
}

/** The name of a success: what people have to know first about it. */
function successOf(
  { outputs }: AttemptResult,
  effects: readonly { readonly staged: boolean }[],
  children: number,
): EndReason {
  if (outputs.some(({ type }) => type === 'question')) {
    return effects.every(({ staged }) => staged) ? 'staged' : 'question';
  }
  if (effects.length + children === 0) {
    return 'noop';
  }
  return effects.length > 0 && effects.every(({ staged }) => staged) ? 'staged' : 'succeeded';
}

function summaryOf({ outputs, change }: AttemptResult, detail: string): string {
  const made = outputs.map(({ type }) => type).join(', ');
  const changed =
    change === undefined
      ? ''
      : `${change.stat.files} files, +${change.stat.added} -${change.stat.removed}`;
  return [detail, made, changed].filter(Boolean).join(' ');
}

/** Gives a job back that a planned stop of its runner interrupted: at once, and without counting the attempt. */
export async function handBack(
  { db }: Pick<CompleteDeps, 'db'>,
  {
    claimed: { attempt, job },
    fence,
    result: { checks, spent, session },
  }: Pick<Completed, 'claimed' | 'fence'> & {
    result: Pick<AttemptResult, 'checks' | 'spent' | 'session'>;
  },
): Promise<boolean> {
  const reason = 'lost';
  const detail = 'Its runner was stopped; the next free one takes it over.';
  try {
    await db.transaction(async (tx) => {
      const ending = { reason, detail, counted: false, ...spent, checks } as const;
      if (!(await endAttempt(tx, fence, ending))) {
        throw new Stale();
      }
      if (session !== undefined) {
        await keepWorkerSession(tx, { ...session, jobId: job.id, trust: job.trust });
      }
      await endJob(tx, { fence, outcome: { state: 'queued' }, reason, detail, counted: false });
      const { reservedMicroUsd: microUsd, reservedTokens: tokens, windows } = attempt;
      await settleWindows(tx, [{ of: fence, windows, reserved: { microUsd, tokens }, spent }]);
    });
    return true;
  } catch (error) {
    if (error instanceof Stale) {
      return false;
    }
    throw error;
  }
}
