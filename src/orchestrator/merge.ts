import { writeAudit } from '../db/audit.ts';
import type { Queryable } from '../db/db.ts';
import { recordEvents } from '../db/events.ts';
import type { Gate, Vote } from '../db/gates.ts';
import { closeGate } from '../db/gates.ts';
import type { MergeRequest } from '../db/merge-requests.ts';
import { closeMergeRequest, findMergeRequest } from '../db/merge-requests.ts';
import { moveToFinal } from '../db/promote.ts';
import { getRepo } from '../db/repos.ts';
import type { Repo } from '../db/repos.ts';
import { AppError } from '../kernel/errors.ts';
import type { GateDeps } from './decide-gates.ts';

/** Merges what was approved, exactly at the head that was approved; answers the clean-up for after the commit. */
export async function mergeApproved(
  deps: GateDeps,
  tx: Queryable,
  { gate, by, self }: { gate: Gate; by: string; self: boolean },
  signal: AbortSignal,
): Promise<() => Promise<void>> {
  const request = await requestOf(tx, gate);
  const repo = await getRepo(tx, gate.repoId);
  if (gate.head !== request.head) {
    throw new AppError('BRANCH_MOVED', `${request.branch} moved since the gate was opened`, {
      remedy: 'Look at the new state and vote again.',
    });
  }

  const { commit, where } = await deps.forge.merge(
    repo,
    {
      branch: request.branch,
      head: request.head,
      message: `Merge ${request.branch}: ${request.title}\n\nApproved-by: ${by}`,
    },
    signal,
  );
  await closeGate(tx, gate.id, { state: 'approved', by });
  await recordMerged(tx, { request, gate, commit, by, detail: { where, self } });
  return () => cleanUp(deps, repo, request, signal);
}

/** Writes down that a merge request is in the default branch, whoever merged it: its job succeeded. */
export async function recordMerged(
  tx: Queryable,
  {
    request,
    gate,
    commit,
    by,
    detail,
  }: {
    request: MergeRequest;
    gate: Gate | undefined;
    commit: string;
    by: string;
    detail: Readonly<Record<string, unknown>>;
  },
): Promise<void> {
  if (!(await closeMergeRequest(tx, request.id, { state: 'merged', commit, by }))) {
    return;
  }
  await moveToFinal(tx, request.jobId, {
    from: 'review',
    to: 'succeeded',
    actor: by,
    detail: `Merged as ${commit.slice(0, 12)} by ${by}.`,
  });
  await recordEvents(tx, [
    {
      repoId: request.repoId,
      type: 'merge_request_merged',
      key: `merge_request_merged:${request.id}`,
      payload: {
        merge_request: { id: request.id, number: request.number, title: request.title },
        sha: commit,
        job_id: request.jobId,
        actor: by,
      },
    },
    {
      repoId: request.repoId,
      type: 'job_succeeded',
      key: `job_succeeded:${request.jobId}`,
      payload: { job_id: request.jobId },
    },
  ]);
  await writeAudit(tx, {
    actor: by,
    action: 'merge_request.merged',
    target: `!${request.number}`,
    repoId: request.repoId,
    detail: { commit, head: request.head, gate: gate && `g_${gate.id}`, ...detail },
  });
}

/** A merged branch of ours is deleted; one that moved since stays, and a failure to delete harms nobody. */
export async function cleanUp(
  { forge, log }: Pick<GateDeps, 'forge' | 'log'>,
  repo: Repo,
  { branch, head }: Pick<MergeRequest, 'branch' | 'head'>,
  signal: AbortSignal,
): Promise<void> {
  try {
    await forge.deleteBranch(repo, { branch, head }, signal);
  } catch (error) {
    if (!(error instanceof AppError)) {
      throw error;
    }
    log.warn({ err: error, repo: repo.path, branch }, 'a merged branch could not be deleted');
  }
}

/** Ends the merge request (its branch is kept) and its job as rejected. */
export async function rejectMergeRequest(
  tx: Queryable,
  gate: Gate,
  { voter, note }: Pick<Vote, 'voter' | 'note'>,
): Promise<void> {
  if (gate.mergeRequestId !== null) {
    await closeMergeRequest(tx, gate.mergeRequestId, { state: 'closed' });
  }
  if (gate.jobId !== null) {
    await moveToFinal(tx, gate.jobId, {
      from: ['review', 'waiting'],
      to: 'rejected',
      actor: voter,
      detail: note ?? `Rejected by ${voter}.`,
    });
  }
  await writeAudit(tx, {
    actor: voter,
    action: 'gate.rejected',
    target: `g_${gate.id}`,
    repoId: gate.repoId,
    detail: { kind: gate.kind, reason: note },
  });
}

async function requestOf(tx: Queryable, gate: Gate): Promise<MergeRequest> {
  const request =
    gate.mergeRequestId === null ? undefined : await findMergeRequest(tx, gate.mergeRequestId);
  if (!request) {
    throw new AppError('CONFLICT', `gate g_${gate.id} has no merge request`);
  }
  return request;
}
