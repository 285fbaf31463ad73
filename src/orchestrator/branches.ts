import type { Queryable } from '../db/db.ts';
import { closeGate, findOpenMergeGate, insertVote, moveGate } from '../db/gates.ts';
import type { MergeRequest } from '../db/merge-requests.ts';
import { listOpenMergeRequests, moveMergeRequest } from '../db/merge-requests.ts';
import { getRepo } from '../db/repos.ts';
import type { Repo } from '../db/repos.ts';
import type { Wake } from '../db/wake.ts';
import type { BranchOutcome } from '../forge/forge.ts';
import { AppError } from '../kernel/errors.ts';
import type { Service } from '../kernel/service.ts';
import type { GateDeps } from './decide-gates.ts';
import { cleanUp, recordMerged, rejectMergeRequest } from './merge.ts';

const POLL_MS = 1000;

/**
 * Watches the branches of open merge requests: merging one by hand is an approval, deleting it unmerged is a
 * rejection, and commits of a person on it void the votes. Asked at every push event and once a second.
 */
export function createBranchWatch(deps: GateDeps & { wake: Wake }): Service {
  return async (signal) => {
    while (!signal.aborted) {
      const sequence = deps.wake.sequence();
      for (const request of await listOpenMergeRequests(deps.db, 'local')) {
        await observe(deps, request, signal);
      }
      await deps.wake.wait(sequence, POLL_MS, signal);
    }
  };
}

async function observe(deps: GateDeps, request: MergeRequest, signal: AbortSignal): Promise<void> {
  const { db, forge, log } = deps;
  const repo = await getRepo(db, request.repoId);
  let outcome: BranchOutcome;
  try {
    outcome = await forge.observeBranch(repo, request, signal);
  } catch (error) {
    // Not to see a branch is not to see it gone: it is looked at again.
    if (!(error instanceof AppError) || signal.aborted) {
      throw error;
    }
    log.debug({ err: error, repo: repo.path, branch: request.branch }, 'branch not observed');
    return;
  }
  if (outcome.state === 'open' && outcome.head === request.head) {
    return;
  }
  await db.transaction((tx) => settle(deps, tx, { repo, request, outcome }));
  if (outcome.state === 'merged') {
    await cleanUp(deps, repo, request, signal);
  }
  log.info({ repo: repo.path, branch: request.branch, outcome }, 'branch changed');
}

/** Writes down what a person did with the branch, as their vote. */
async function settle(
  { operator }: GateDeps,
  tx: Queryable,
  { request, outcome }: { repo: Repo; request: MergeRequest; outcome: BranchOutcome },
): Promise<void> {
  const gate = await findOpenMergeGate(tx, request.id);
  const vote = { voter: operator, role: 'owner', head: request.head, note: null, self: true };
  switch (outcome.state) {
    case 'merged':
      if (gate) {
        await insertVote(tx, gate.id, { ...vote, verdict: 'approve', via: 'merge' });
        await closeGate(tx, gate.id, { state: 'approved', by: operator });
      }
      await recordMerged(tx, {
        request,
        gate,
        commit: outcome.commit,
        by: operator,
        detail: { where: 'by hand', seen: outcome.by, self: true },
      });
      return;
    case 'closed': {
      const note = `The branch ${request.branch} was deleted unmerged.`;
      if (gate) {
        await insertVote(tx, gate.id, { ...vote, note, verdict: 'reject', via: 'branch_deleted' });
        await closeGate(tx, gate.id, { state: 'rejected', by: operator, note });
        await rejectMergeRequest(tx, gate, { voter: operator, note });
      }
      return;
    }
    case 'open':
      await moveMergeRequest(tx, request.id, outcome.head);
      if (gate) {
        await moveGate(tx, gate.id, outcome.head);
      }
      return;
    default:
      outcome satisfies never;
  }
}
