import type { Effect } from '../db/effects.ts';
import { msUntilNextEffect, settleEffect, takeEffects } from '../db/effects.ts';
import { lockJob } from '../db/job-locks.ts';
import { getJob } from '../db/job-rows.ts';
import { getRepo } from '../db/repos.ts';
import { countFault } from '../db/setbacks.ts';
import type { Wake } from '../db/wake.ts';
import { backoffMs } from '../domain/backoff.ts';
import { AppError } from '../kernel/errors.ts';
import type { Service } from '../kernel/service.ts';
import { refuseTakenAway } from './allowed-today.ts';
import type { CarriedOut, EffectDeps, EffectHandler } from './effect-handler.ts';
import { askQuestion } from './effects/ask-question.ts';
import { deleteBranch } from './effects/delete-branch.ts';
import { WISHES } from './effects/keep-wish.ts';
import { openIssue } from './effects/open-issue.ts';
import { publishMergeRequest } from './effects/publish-merge-request.ts';
import { keepMemory, writeComment, writeReview } from './effects/write-notes.ts';
import { finishPublishing } from './publishing.ts';

/** Longer than any effect takes; one whose orchestrator died is taken over after it. */
const LEASE_MS = 120_000;
/** The lease counts from the taking: what waited behind others here would outlive it, and be done twice. */
const AT_ONCE = 1;
const MOST_TRIES = 8;
const LONGEST_SLEEP_MS = 1000;

const HANDLERS: Readonly<Record<string, EffectHandler>> = {
  merge_request: publishMergeRequest,
  issue: openIssue,
  comment: writeComment,
  review: writeReview,
  memory: keepMemory,
  question: askQuestion,
};

/** Carries out effects in their jobs' order, and moves the jobs on whose last effect is settled. */
export function createEffectService(deps: EffectDeps & { wake: Wake }): Service {
  return async (signal) => {
    while (!signal.aborted) {
      const sequence = deps.wake.sequence();
      const carried = await carryOutEffects(deps, signal);
      const finished = await finishPublishing(deps);
      if (carried + finished === 0) {
        const ms = (await msUntilNextEffect(deps.db)) ?? LONGEST_SLEEP_MS;
        await deps.wake.wait(sequence, Math.min(Math.max(ms, 20), LONGEST_SLEEP_MS), signal);
      }
    }
  };
}

/** One round over what is due. Answers how many effects were looked at. */
export async function carryOutEffects(deps: EffectDeps, signal: AbortSignal): Promise<number> {
  const effects = await takeEffects(deps.db, { leaseMs: LEASE_MS, limit: AT_ONCE });
  for (const effect of effects) {
    await carryOut(deps, effect, signal);
  }
  return effects.length;
}

/**
 * A failure that may pass is tried again later; one that will not ends the effect, and with it its job. So does a bug:
 * to crash would bring every orchestrator down that takes the effect after us.
 */
async function carryOut(deps: EffectDeps, effect: Effect, signal: AbortSignal): Promise<void> {
  const { db, log } = deps;
  const about = { effectId: effect.id, jobId: effect.jobId, type: effect.type };
  try {
    const carried = await perform(deps, effect, signal);
    const settled = await db.transaction(async (tx) => {
      // The job before its effect: whoever cancels it locks them in this order too.
      const job = effect.jobId === null ? undefined : await lockJob(tx, effect.jobId);
      const ours = await settleEffect(
        tx,
        effect,
        'result' in carried
          ? { state: 'done', result: carried.result }
          : { state: 'cancelled', error: carried.dropped },
      );
      if (ours && job) {
        await carried.record?.(tx, job);
      }
      return ours;
    });
    log.info(about, settled ? 'effect done' : 'effect was done, but is no longer ours to record');
  } catch (error) {
    if (signal.aborted) {
      // We are stopping: whoever comes next may begin at once.
      await settleEffect(db, effect, { state: 'pending', error: 'interrupted', againInMs: 0 });
      return;
    }
    if (!(error instanceof AppError)) {
      log.error({ err: error, ...about }, 'effect failed inside');
      await countFault(db, 'effect');
      await settleEffect(db, effect, { state: 'failed', error: 'It failed inside: see the log.' });
      return;
    }
    const again = error.retryable && effect.tries < MOST_TRIES;
    const text = [error.message, error.remedy].filter(Boolean).join(' ');
    await settleEffect(
      db,
      effect,
      again
        ? { state: 'pending', error: text, againInMs: backoffMs(effect.tries, String(effect.id)) }
        : { state: 'failed', error: text },
    );
    log.warn({ err: error, ...about, again }, 'effect not done');
  }
}

async function perform(deps: EffectDeps, effect: Effect, signal: AbortSignal): Promise<CarriedOut> {
  if (effect.type === 'delete_branch') {
    return deleteBranch(deps, effect, signal);
  }
  const keep = effect.jobId === null ? WISHES[effect.type] : undefined;
  if (keep) {
    return keep(deps, effect, signal);
  }
  const handler = HANDLERS[effect.type];
  const job = effect.jobId === null ? undefined : await getJob(deps.db, effect.jobId);
  if (!handler || !job) {
    throw new AppError('INVALID_REQUEST', `nothing carries out \`${effect.type}\` for this job`, {
      remedy: 'Run the job again: `autodev retry`.',
    });
  }
  await refuseTakenAway(deps.db, effect, job);
  const repo = await getRepo(deps.db, effect.repoId);
  return handler(deps, { effect, repo, job }, signal);
}
