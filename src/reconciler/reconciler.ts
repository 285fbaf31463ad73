import { msUntilNextRepo } from '../db/repo-sync.ts';
import type { Wake } from '../db/wake.ts';
import { AppError } from '../kernel/errors.ts';
import type { Service } from '../kernel/service.ts';
import type { Observed, ObserveDeps } from './observe.ts';
import { observeDueRepos } from './observe.ts';
import type { ReconcileDeps } from './reconcile-repo.ts';
import { reconcileRepo } from './reconcile-repo.ts';

const LONGEST_SLEEP_MS = 30_000;

/**
 * Keeps every repository equal to its file: takes those that are due, compares heads in batches and reconciles
 * the few that moved, `workers` at a time. A notification (a webhook, a watch on the folder, `sync`) only makes a
 * repository due sooner.
 */
export function createReconciler(
  deps: ReconcileDeps & ObserveDeps & { wake: Wake; workers: number },
): Service {
  return async (signal) => {
    while (!signal.aborted) {
      const sequence = deps.wake.sequence();
      const taken = await reconcileDue(deps, signal);
      if (taken === 0) {
        const ms = (await msUntilNextRepo(deps.db)) ?? LONGEST_SLEEP_MS;
        await deps.wake.wait(sequence, Math.min(Math.max(ms, 20), LONGEST_SLEEP_MS), signal);
      }
    }
  };
}

/** One batch: observe, then reconcile what moved. Answers how many repositories were looked at. */
export async function reconcileDue(
  deps: ReconcileDeps & ObserveDeps & { workers: number },
  signal: AbortSignal,
): Promise<number> {
  const { taken, changed } = await observeDueRepos(deps, signal);
  const queue = [...changed];
  const worker = async (): Promise<void> => {
    for (let next = queue.shift(); next && !signal.aborted; next = queue.shift()) {
      await reconcileSafely(deps, next, signal);
    }
  };
  await Promise.all(Array.from({ length: deps.workers }, worker));
  return taken;
}

/** One repository in trouble keeps no other waiting: an expected failure is looked at again at the next poll. */
async function reconcileSafely(
  deps: ReconcileDeps,
  observed: Observed,
  signal: AbortSignal,
): Promise<void> {
  try {
    await reconcileRepo(deps, observed, signal);
  } catch (error) {
    if (!(error instanceof AppError) || signal.aborted) {
      throw error;
    }
    deps.log.warn({ err: error, repo: observed.repo.path }, 'repository not reconciled');
  }
}
