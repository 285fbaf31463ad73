import { msUntilNextRepo } from '../db/repo-sync.ts';
import type { Wake } from '../db/wake.ts';
import { AppError } from '../kernel/errors.ts';
import type { Service } from '../kernel/service.ts';
import { every } from '../kernel/service.ts';
import type { Observed, ObserveDeps } from './observe.ts';
import { observeDueRepos } from './observe.ts';
import type { ReconcileDeps } from './reconcile-repo.ts';
import { reconcileRepo } from './reconcile-repo.ts';
import { stopStranded } from './stop-stranded.ts';

const LONGEST_SLEEP_MS = 30_000;
/** Between two rounds: folds hints that come in a burst. */
const PAUSE_MS = 20;

export interface ReconcilerDeps extends ReconcileDeps, ObserveDeps {
  /** How many repositories are reconciled at the same time. */
  workers: number;
}

/**
 * Keeps every repository equal to its file: takes those that are due, compares heads in batches and reconciles
 * the few that moved, `workers` at a time. A notification (a webhook, a watch on the folder, `sync`) only makes a
 * repository due sooner. `wake` listens on REPO_CHANNEL.
 */
export function createReconciler(deps: ReconcilerDeps & { wake: Wake }): Service {
  return every(deps, { intervalMs: PAUSE_MS }, async (signal) => {
    const sequence = deps.wake.sequence();
    if ((await reconcileDue(deps, signal)) === 0) {
      const ms = (await msUntilNextRepo(deps.db)) ?? LONGEST_SLEEP_MS;
      await deps.wake.wait(sequence, Math.min(Math.max(ms, 0), LONGEST_SLEEP_MS), signal);
    }
  });
}

/**
 * One batch: observe, reconcile what moved, stop what nobody wants any more. Answers how many repositories were
 * looked at.
 */
export async function reconcileDue(deps: ReconcilerDeps, signal: AbortSignal): Promise<number> {
  const { taken, changed } = await observeDueRepos(deps, signal);
  const queue = [...changed];
  const worker = async (): Promise<void> => {
    for (let next = queue.shift(); next && !signal.aborted; next = queue.shift()) {
      await reconcileSafely(deps, next, signal);
    }
  };
  await Promise.all(Array.from({ length: deps.workers }, worker));
  await stopStranded(deps);
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
    if (signal.aborted) {
      return;
    }
    if (!(error instanceof AppError)) {
      throw error;
    }
    deps.log.warn({ err: error, repo: observed.repo.path }, 'repository not reconciled');
  }
}
