import { writeAudit } from '../db/audit.ts';
import type { Queryable } from '../db/db.ts';
import { insertEffects } from '../db/effects.ts';
import { recordEvents } from '../db/events.ts';
import type { Gate } from '../db/gates.ts';
import { closeGate } from '../db/gates.ts';
import type { MergeRequest } from '../db/merge-requests.ts';
import { closeMergeRequest, findMergeRequest } from '../db/merge-requests.ts';
import { moveToFinal } from '../db/promote.ts';
import { getRepo } from '../db/repos.ts';
import { AppError } from '../kernel/errors.ts';
import type { GateDeps } from './gate-deps.ts';

/** Merges what was approved, exactly at the head that was approved. */
export async function mergeApproved(
  deps: GateDeps,
  tx: Queryable,
  { gate, by, self }: { gate: Gate; by: string; self: boolean },
  signal: AbortSignal,
): Promise<undefined> {
  const request = await requestOf(tx, gate);
  const repo = await getRepo(tx, gate.repoId);
  if (request.state !== 'open') {
    throw new AppError('CONFLICT', `!${request.number} is ${request.state} already`, {
      remedy: 'See what waits for you with `autodev approvals`.',
    });
  }
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
}

/**
 * Writes down that a merge request is in the default branch, whoever merged it: its job succeeded. The caller holds
 * the locks of job and merge request. False when it was written down before.
 */
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
): Promise<boolean> {
  if (!(await closeMergeRequest(tx, request.id, { state: 'merged', commit, by }))) {
    return false;
  }
  // An effect, so that a crash between the merge and the clean-up leaves no branch behind.
  await insertEffects(tx, [
    {
      repoId: request.repoId,
      jobId: null,
      attempt: null,
      position: 1,
      type: 'delete_branch',
      payload: { branch: request.branch, head: request.head },
      key: `delete_branch:${request.id}`,
      staged: false,
    },
  ]);
  const ended = await moveToFinal(tx, request.jobId, {
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
        merge_request: {
          id: request.id,
          number: request.number,
          title: request.title,
          description: request.description,
          branch: request.branch,
        },
        sha: commit,
        job_id: request.jobId,
        actor: by,
      },
    },
    ...(ended
      ? [
          {
            repoId: request.repoId,
            type: 'job_succeeded' as const,
            key: `job_succeeded:${ended.id}`,
            payload: { job_id: ended.id, agent: ended.agent },
          },
        ]
      : []),
  ]);
  await writeAudit(tx, {
    actor: by,
    action: 'merge_request.merged',
    target: `!${request.number}`,
    repoId: request.repoId,
    detail: { commit, head: request.head, gate: gate && `g_${gate.id}`, ...detail },
  });
  return true;
}

async function requestOf(tx: Queryable, gate: Gate): Promise<MergeRequest> {
  const request =
    gate.mergeRequestId === null ? undefined : await findMergeRequest(tx, gate.mergeRequestId);
  if (!request) {
    throw new AppError('CONFLICT', `gate g_${gate.id} has no merge request`);
  }
  return request;
}
