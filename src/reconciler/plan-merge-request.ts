import type { DuePlan, PlanOutcome } from '../db/config-plans.ts';
import { settlePlan } from '../db/config-plans.ts';
import { wish } from '../db/own-effects.ts';
import type { ForgeMergeRequest } from '../forge/tracker.ts';
import { AppError } from '../kernel/errors.ts';
import { followMerged } from './follow-merged.ts';
import { planOpen } from './plan-open.ts';
import type { PlanDeps, Verdict } from './plan-verdict.ts';
import { unrelated } from './plan-verdict.ts';

/** GitLab still prepares it: asked again after this. */
const PREPARING_MS = 2000;

/**
 * Brings what a merge request says of the configuration to what is true now: any number of times, at any moment, by
 * anybody who holds its lease. Reads, decides, and writes the verdict together with the wishes that follow from it; the
 * orchestrator carries those out.
 */
export async function planMergeRequest(
  deps: PlanDeps,
  due: DuePlan,
  signal: AbortSignal,
): Promise<PlanOutcome['state'] | 'lost'> {
  const { outcome, note, statuses = [] } = await judge(deps, due, signal);
  const { repo, number } = due;
  const settled = await deps.db.transaction(async (tx) => {
    if (!(await settlePlan(tx, due, outcome))) {
      return false;
    }
    if (note !== undefined) {
      await wish(tx, {
        repoId: repo.id,
        type: 'note',
        subject: `note:${repo.id}:${number}`,
        payload: { number, mark: 'plan', body: note },
      });
    }
    for (const status of statuses) {
      await wish(tx, {
        repoId: repo.id,
        type: 'commit_status',
        subject: `status:${repo.id}:${status.sha}:${status.name}`,
        payload: { ...status },
      });
    }
    return true;
  });
  deps.log.info(
    { repo: repo.path, number, state: outcome.state, settled },
    'merge request planned',
  );
  return settled ? outcome.state : 'lost';
}

async function judge(deps: PlanDeps, due: DuePlan, signal: AbortSignal): Promise<Verdict> {
  const request = await readRequest(deps, due, signal);
  if (!request || request.state === 'closed') {
    return { outcome: { state: 'closed' } };
  }
  const { head, diff } = request;
  if (head === undefined || diff?.head !== head) {
    return { outcome: { state: due.state, againInMs: PREPARING_MS } };
  }
  const look = { due, request: { ...request, head, base: diff.base }, signal };
  if (request.targetBranch !== due.repo.branch) {
    return unrelated(due, head);
  }
  return request.state === 'merged' ? followMerged(deps, look) : planOpen(deps, look);
}

/** Undefined: it is gone. */
async function readRequest(
  { review }: PlanDeps,
  { repo, number }: DuePlan,
  signal: AbortSignal,
): Promise<ForgeMergeRequest | undefined> {
  try {
    return await review.getMergeRequest(repo, number, signal);
  } catch (error) {
    if (error instanceof AppError && error.code === 'FORGE_NOT_FOUND') {
      return undefined;
    }
    throw error;
  }
}
