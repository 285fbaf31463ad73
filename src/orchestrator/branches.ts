import type { Queryable } from '../db/db.ts';
import { recordEvents } from '../db/events.ts';
import { closeGate, findOpenMergeGate, insertVote, moveGate } from '../db/gates.ts';
import { isPublishing } from '../db/job-chain.ts';
import { lockJob } from '../db/job-locks.ts';
import type { MergeRequest } from '../db/merge-requests.ts';
import {
  closeMergeRequest,
  listOpenMergeRequests,
  lockMergeRequest,
  moveMergeRequest,
} from '../db/merge-requests.ts';
import type { Repo } from '../db/repos.ts';
import { getRepo } from '../db/repos.ts';
import { listSetAside } from '../db/setbacks.ts';
import type { Wake } from '../db/wake.ts';
import type { BranchOutcome } from '../forge/forge.ts';
import { AppError } from '../kernel/errors.ts';
import type { Service } from '../kernel/service.ts';
import { contain } from './contain.ts';
import type { GateDeps } from './gate-deps.ts';
import { recordMerged } from './merge.ts';
import { rejectGate } from './reject-gate.ts';

const POLL_MS = 1000;

/**
 * Watches the branches of open merge requests: merging one by hand is an approval, deleting it unmerged is a
 * rejection, and commits of a person on it void the votes. Asked at every push event and once a second.
 */
export function createBranchWatch(deps: GateDeps & { wake: Wake }): Service {
  return async (signal) => {
    while (!signal.aborted) {
      const sequence = deps.wake.sequence();
      await observeBranches(deps, signal);
      await deps.wake.wait(sequence, POLL_MS, signal);
    }
  };
}

/** Looks at every branch once. Answers at how many something had changed. */
export async function observeBranches(deps: GateDeps, signal: AbortSignal): Promise<number> {
  let changed = 0;
  const setAside = await listSetAside(deps.db, 'branch');
  for (const request of await listOpenMergeRequests(deps.db, 'local')) {
    const wasSetAside = setAside.has(request.id);
    const look = async (): Promise<void> => {
      changed += (await observe(deps, request, signal)) ? 1 : 0;
    };
    await contain(deps, { sweep: 'branch', rowId: request.id }, look, { wasSetAside });
  }
  return changed;
}

/** Looks at one branch and writes down what became of it. True when something had. */
async function observe(
  deps: GateDeps,
  request: MergeRequest,
  signal: AbortSignal,
): Promise<boolean> {
  const { db, forge, log } = deps;
  let repo: Repo;
  let outcome: BranchOutcome;
  try {
    repo = await getRepo(db, request.repoId);
    outcome = await forge.observeBranch(repo, request, signal);
  } catch (error) {
    // Not to see a branch is not to see it gone: it is looked at again.
    if (!(error instanceof AppError) || error.code === 'DATABASE_UNAVAILABLE' || signal.aborted) {
      throw error;
    }
    log.debug({ err: error, repoId: request.repoId, branch: request.branch }, 'branch not seen');
    return false;
  }
  if (outcome.state === 'open' && outcome.head === request.head) {
    return false;
  }
  const changed = await db.transaction((tx) => settle(deps, tx, { seen: request, outcome }));
  if (changed) {
    log.info({ repo: repo.path, branch: request.branch, outcome }, 'branch changed');
  }
  return changed;
}

/**
 * Writes down what a person did with the branch, as their vote. What we did ourselves between the look and the lock
 * (a merge, a push of a later job) is seen under the lock and left alone.
 */
async function settle(
  { operator }: GateDeps,
  tx: Queryable,
  { seen, outcome }: { seen: MergeRequest; outcome: BranchOutcome },
): Promise<boolean> {
  const job = await lockJob(tx, seen.jobId);
  const request = await lockMergeRequest(tx, seen.id);
  const isStale = request?.head !== seen.head || request.jobId !== seen.jobId;
  if (!request || request.state !== 'open' || isStale || (await isPublishing(tx, request.id))) {
    return false;
  }
  const gate = await findOpenMergeGate(tx, request.id);
  const vote = { voter: operator, role: 'owner', head: request.head, note: null, self: true };
  switch (outcome.state) {
    case 'merged':
      if (gate) {
        await insertVote(tx, gate.id, { ...vote, verdict: 'approve', via: 'merge' });
        await closeGate(tx, gate.id, { state: 'approved', by: operator });
      }
      return recordMerged(tx, {
        request,
        gate,
        commit: outcome.commit,
        by: operator,
        detail: { where: 'by hand', seen: outcome.by, self: true },
      });
    case 'closed': {
      const note = `The branch ${request.branch} was deleted unmerged.`;
      await closeMergeRequest(tx, request.id, { state: 'closed' });
      if (gate) {
        await insertVote(tx, gate.id, { ...vote, note, verdict: 'reject', via: 'branch_deleted' });
        await rejectGate(tx, gate, { by: operator, note });
      }
      // A job that was still to work on it has lost its subject; `tieLooseEnds` ends it.
      return true;
    }
    case 'open':
      await moveMergeRequest(tx, request.id, outcome.head);
      if (gate) {
        await moveGate(tx, gate.id, outcome.head);
      }
      await recordEvents(tx, [
        {
          repoId: request.repoId,
          type: 'merge_request_updated',
          key: `merge_request:${request.id}:${outcome.head}`,
          payload: {
            merge_request: {
              id: request.id,
              number: request.number,
              title: request.title,
              description: request.description,
              branch: request.branch,
            },
            sha: outcome.head,
            actor: operator,
            ...(job && { agent: job.agent }),
          },
        },
      ]);
      return true;
    default:
      return outcome satisfies never;
  }
}
