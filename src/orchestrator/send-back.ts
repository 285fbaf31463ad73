import { writeAudit } from '../db/audit.ts';
import type { Queryable } from '../db/db.ts';
import { insertJobs } from '../db/enqueue.ts';
import type { Gate, Vote } from '../db/gates.ts';
import { closeGate } from '../db/gates.ts';
import { assignMergeRequest, findMergeRequest } from '../db/merge-requests.ts';
import { moveToFinal } from '../db/promote.ts';
import { succeed } from '../domain/job.ts';
import { lowest, type Role } from '../domain/role.ts';
import { AppError } from '../kernel/errors.ts';

/**
 * Sends work back with a note: one successor in the same transaction, on the same branch, merge request and root,
 * with the note as input. The job that is sent back ends as superseded.
 *
 * @param trust the lowest role of those who wrote the note; left out: the owner of the machine wrote it
 */
export async function sendBack(
  tx: Queryable,
  gate: Gate,
  vote: Vote,
  { trust = 'owner' }: { trust?: Role } = {},
): Promise<undefined> {
  const request =
    gate.mergeRequestId === null ? undefined : await findMergeRequest(tx, gate.mergeRequestId);
  if (gate.jobId === null || request?.state !== 'open') {
    throw new AppError('CONFLICT', `gate g_${gate.id} has no work that could be sent back`);
  }
  await closeGate(tx, gate.id, { state: 'changes', by: vote.voter, note: vote.note ?? '' });
  const ended = await moveToFinal(tx, gate.jobId, {
    from: 'review',
    to: 'cancelled',
    reason: 'superseded',
    actor: vote.voter,
    detail: `${vote.voter} asked for changes.`,
  });
  if (!ended) {
    throw new AppError('CONFLICT', `j_${gate.jobId} is not in review any more`, {
      remedy: `See where it stands: \`autodev job j_${gate.jobId}\`.`,
    });
  }

  const [successor] = await insertJobs(tx, [
    {
      repoId: ended.repoId,
      agent: ended.agent,
      title: ended.title,
      task: ended.task,
      // It reads what they wrote.
      trust: lowest(ended.trust, trust),
      rootId: ended.rootId,
      parentId: ended.id,
      depth: ended.depth,
      // People wait for it: work that goes on is done before new work.
      priority: 50,
      base: request.head,
      branch: request.branch,
      mergeRequestId: request.id,
      subject: { kind: 'merge_request', id: request.number },
      trigger: succeed(ended.trigger, {
        kind: 'changes',
        actor: vote.voter,
        from_job: ended.id,
      }),
      input: [
        ...ended.input,
        {
          kind: 'changes',
          author: vote.voter,
          text: vote.note ?? '',
          at: vote.at.toISOString(),
        },
      ],
    },
  ]);
  if (successor !== undefined) {
    await assignMergeRequest(tx, request.id, successor);
  }
  await writeAudit(tx, {
    actor: vote.voter,
    action: 'gate.changes',
    target: `g_${gate.id}`,
    repoId: gate.repoId,
    detail: { note: vote.note },
  });
}
