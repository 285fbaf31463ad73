import type { DuePlan } from '../db/config-plans.ts';
import { markMergeRequests, postponePlan, takeDuePlans } from '../db/config-plans.ts';
import type { DueScan } from '../db/merge-request-scans.ts';
import { finishScan, repeatScan, takeDueScans } from '../db/merge-request-scans.ts';
import type { Wake } from '../db/wake.ts';
import { backoffMs } from '../domain/backoff.ts';
import { AppError } from '../kernel/errors.ts';
import type { Service } from '../kernel/service.ts';
import { every } from '../kernel/service.ts';
import { onboardDue } from './onboard.ts';
import { planMergeRequest } from './plan-merge-request.ts';
import type { PlanDeps } from './plan-verdict.ts';

/** Longer than a look with all its requests takes. */
const LEASE_MS = 120_000;
const AT_ONCE = 4;
const POLL_MS = 1000;
const PAUSE_MS = 20;
/** Hooks tell us at once; a list is for those that were lost, and costs a request a repository. */
const SCAN_EVERY_MS = 24 * 3_600_000;
const SCANS_AT_ONCE = 20;
const SCAN_AGAIN_MS = 300_000;
/** A list may be older than it says by what GitLab's clock and caches are behind. */
const SCAN_OVERLAP_MS = 600_000;

/**
 * Plans merge requests of people as soon as something happens to them or to what their plans depend on. `wake` listens
 * on PLAN_CHANNEL.
 */
export function createPlanService(deps: PlanDeps & { wake: Wake }): Service {
  return every(deps, { intervalMs: PAUSE_MS }, async (signal) => {
    const sequence = deps.wake.sequence();
    const scanned = (await scanMergeRequests(deps, signal)) + (await onboardDue(deps, signal));
    if ((await planDue(deps, signal)) + scanned === 0) {
      await deps.wake.wait(sequence, POLL_MS, signal);
    }
  });
}

/** One round over what is due. Answers how many merge requests were looked at. */
export async function planDue(deps: PlanDeps, signal: AbortSignal): Promise<number> {
  const due = await takeDuePlans(deps.db, {
    inputs: deps.inputsVersion,
    leaseMs: LEASE_MS,
    limit: AT_ONCE,
  });
  await Promise.all(due.map((one) => planSafely(deps, one, signal)));
  return due.length;
}

/**
 * One merge request in trouble keeps no other waiting. A bug is kept on its row like anything else that went wrong, and
 * is loud in the log: to crash would stop the plans of every repository.
 */
async function planSafely(deps: PlanDeps, due: DuePlan, signal: AbortSignal): Promise<void> {
  const { db, log } = deps;
  try {
    await planMergeRequest(deps, due, signal);
  } catch (error) {
    const about = { err: error, repo: due.repo.path, number: due.number };
    if (signal.aborted) {
      await postponePlan(db, due, { error: 'interrupted', againInMs: 0 });
      return;
    }
    if (error instanceof AppError) {
      log.warn(about, 'merge request not planned');
    } else {
      log.error(about, 'planning a merge request failed inside');
    }
    await postponePlan(db, due, {
      error: error instanceof Error ? error.message : String(error),
      againInMs: backoffMs(due.failures + 1, `${due.repo.path}!${due.number}`),
    });
  }
}

/** Lists the open merge requests of repositories that were not listed for long. Answers how many were. */
export async function scanMergeRequests(deps: PlanDeps, signal: AbortSignal): Promise<number> {
  const due = await takeDueScans(deps.db, { everyMs: SCAN_EVERY_MS, limit: SCANS_AT_ONCE });
  await Promise.all(due.map((one) => scan(deps, one, signal)));
  return due.length;
}

async function scan(
  { db, log, review }: PlanDeps,
  due: DueScan,
  signal: AbortSignal,
): Promise<void> {
  const { repo, since } = due;
  const updatedAfter = since && new Date(since.getTime() - SCAN_OVERLAP_MS);
  try {
    const found = await review.listMergeRequests(
      repo,
      { state: 'opened', ...(updatedAfter && { updatedAfter }) },
      signal,
    );
    const numbers = found.map(({ number }) => number);
    if (numbers.length > 0) {
      await markMergeRequests(db, repo.id, numbers);
    }
    await finishScan(db, due);
  } catch (error) {
    if (!(error instanceof AppError)) {
      throw error;
    }
    log.warn({ err: error, repo: repo.path }, 'merge requests not listed');
    await repeatScan(db, due, { inMs: signal.aborted ? 0 : SCAN_AGAIN_MS });
  }
}
