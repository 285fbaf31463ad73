import {
  bindRevision,
  listUnboundRevisions,
  putOffReview,
  syncBypasses,
  takeReviews,
  type ForgeReview,
} from '../db/forge-reviews.ts';
import type { Wake } from '../db/wake.ts';
import { AppError } from '../kernel/errors.ts';
import type { Service } from '../kernel/service.ts';
import { lookAtReview } from './look-at-review.ts';
import { proposeRuns } from './propose-runs.ts';
import type { ReviewDeps } from './review-deps.ts';

const BATCH = 20;
const AT_ONCE = 4;
const POLL_MS = 1000;
/** Longer than a look takes with every answer late. */
const LEASE_MS = 300_000;
const LONGEST_WAIT_MS = 900_000;

/** Looks at merge requests when a hook hints at them, and by itself from time to time: hooks are lost. */
export function createReviewWatch(deps: ReviewDeps & { wake: Wake }): Service {
  return async (signal) => {
    while (!signal.aborted) {
      const sequence = deps.wake.sequence();
      await bindNames(deps, signal);
      await proposeRuns(deps, signal);
      if ((await watchReviews(deps, signal)) === 0) {
        await deps.wake.wait(sequence, POLL_MS, signal);
      }
    }
  };
}

/** One batch. Answers how many merge requests were looked at. */
export async function watchReviews(deps: ReviewDeps, signal: AbortSignal): Promise<number> {
  await syncBypasses(deps.db);
  const rows = await takeReviews(deps.db, { leaseMs: LEASE_MS, limit: BATCH });
  const queue = [...rows];
  const worker = async (): Promise<void> => {
    for (let next = queue.shift(); next && !signal.aborted; next = queue.shift()) {
      await look(deps, next, signal);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  return rows.length;
}

/** One that cannot be looked at keeps no other waiting, and says on its row what is wrong. */
async function look(deps: ReviewDeps, row: ForgeReview, signal: AbortSignal): Promise<void> {
  const { db, log } = deps;
  try {
    await lookAtReview(deps, row, signal);
  } catch (error) {
    if (signal.aborted || (error instanceof AppError && error.code === 'DATABASE_UNAVAILABLE')) {
      throw error;
    }
    const againMs = Math.min(LONGEST_WAIT_MS, 1000 * 2 ** Math.min(row.failures, 20));
    const about = { repo: row.repo.path, number: row.number, failures: row.failures, againMs };
    // A bug is contained as well, and loud.
    const level = error instanceof AppError ? 'warn' : 'error';
    log[level]({ err: error, ...about }, 'merge request not looked at');
    const text =
      error instanceof AppError
        ? [error.message, error.remedy].filter(Boolean).join(' ')
        : String(error);
    await putOffReview(db, row, { againMs, error: text });
  }
}

/** Names in rules mean who has them when the file is applied: a name that changes hands takes no vote with it. */
export async function bindNames(
  { db, votes, log }: Pick<ReviewDeps, 'db' | 'votes' | 'log'>,
  signal: AbortSignal,
): Promise<void> {
  for (const { revisionId, users, groups } of await listUnboundRevisions(db, BATCH)) {
    try {
      await bindRevision(db, revisionId, await votes.bindNames({ users, groups }, signal));
    } catch (error) {
      if (!(error instanceof AppError) || signal.aborted) {
        throw error;
      }
      log.warn({ err: error, revisionId }, 'names of a file not bound yet');
    }
  }
}
