import { writeAudit } from '../db/audit.ts';
import { cancelJob } from '../db/controls.ts';
import type { Db, Queryable } from '../db/db.ts';
import { notifyWork } from '../db/enqueue.ts';
import { closeGate, findLastMergeGate, openGate } from '../db/gates.ts';
import { lockJob } from '../db/job-locks.ts';
import { getJob } from '../db/job-rows.ts';
import type { CancelRequested, LeftBehind } from '../db/loose-ends.ts';
import {
  listAbandonedMergeRequests,
  listCancelRequested,
  listForgottenGates,
  listLeftBehind,
} from '../db/loose-ends.ts';
import type { MergeRequest } from '../db/merge-requests.ts';
import { closeMergeRequest, findMergeRequest, lockMergeRequest } from '../db/merge-requests.ts';
import { moveToFinal, reopenJob } from '../db/promote.ts';
import type { Sweep } from '../db/setbacks.ts';
import type { Log } from '../kernel/log.ts';
import { contain } from './contain.ts';
import { endJob } from './end-job.ts';

const BATCH = 100;
const OURS = 'autodev';

/**
 * Brings to an end what another part ended only its own side of: a runner that failed the job of an open merge
 * request, a cancel that its runner did not see any more, a merge that a job about it did not wait for. One job a
 * transaction; one that fails inside is set aside. Answers how many it found.
 */
export async function tieLooseEnds(deps: { db: Db; log: Log }): Promise<number> {
  const { db, log } = deps;
  const each = (sweep: Sweep, rowId: number, work: (tx: Queryable) => Promise<void>) =>
    contain(deps, { sweep, rowId }, () => db.transaction(work));

  const cancelled = await listCancelRequested(db, BATCH);
  for (const request of cancelled) {
    await each('cancelled_job', request.jobId, (tx) => endCancelled(tx, request));
  }
  const leftBehind = await listLeftBehind(db, BATCH);
  for (const left of leftBehind) {
    await each('left_behind_job', left.jobId, (tx) => follow(tx, left));
  }
  const abandoned = await listAbandonedMergeRequests(db, BATCH);
  for (const id of abandoned) {
    await each('merge_request', id, (tx) => settleAbandoned(tx, id));
  }
  const gates = await listForgottenGates(db, BATCH);
  for (const id of gates) {
    const note = 'Its job has ended.';
    await each('forgotten_gate', id, (tx) =>
      closeGate(tx, id, { state: 'superseded', by: OURS, note }),
    );
  }

  const found = cancelled.length + leftBehind.length + abandoned.length + gates.length;
  if (found > 0) {
    await notifyWork(db);
    const counts = { cancelled, leftBehind, abandoned, gates };
    const lengths = Object.entries(counts).map(([name, { length }]) => [name, length]);
    log.info(Object.fromEntries(lengths), 'loose ends tied');
  }
  return found;
}

async function endCancelled(
  tx: Queryable,
  { jobId, actor, reason }: CancelRequested,
): Promise<void> {
  await endJob(tx, jobId, {
    from: ['queued', 'waiting', 'publishing', 'review'],
    to: 'cancelled',
    reason: 'cancelled',
    detail: reason,
    actor,
  });
}

/** A job in review shares the fate of its merge request; one that has not come that far has lost its subject. */
async function follow(
  tx: Queryable,
  { jobId, running, inReview, merged, number }: LeftBehind,
): Promise<void> {
  const what = `The merge request !${number} was ${merged ? 'merged' : 'closed'}.`;
  if (running) {
    await cancelJob(tx, { id: jobId, actor: OURS, reason: what });
    return;
  }
  if (inReview && merged) {
    await moveToFinal(tx, jobId, { from: 'review', to: 'succeeded', detail: what });
    return;
  }
  await endJob(tx, jobId, {
    from: ['queued', 'waiting', 'publishing', 'review'],
    to: inReview ? 'rejected' : 'cancelled',
    reason: 'subject_closed',
    detail: what,
    actor: OURS,
  });
}

/**
 * The newest job of an open merge request has ended. When it succeeded without changing anything, people decide
 * about what is there; when it failed or was cancelled the merge request is closed and the branch stays.
 */
async function settleAbandoned(tx: Queryable, id: number): Promise<void> {
  const seen = await findMergeRequest(tx, id);
  if (!seen || (await lockJob(tx, seen.jobId))) {
    return;
  }
  const request = await lockMergeRequest(tx, id);
  if (request?.state !== 'open' || request.jobId !== seen.jobId) {
    return;
  }
  const job = await getJob(tx, request.jobId);
  if (job?.state === 'succeeded' && (await reopenJob(tx, job.id, 'review'))) {
    await openGateAgain(tx, request, 'The agent changed nothing more; this is what is there.');
    return;
  }
  await closeMergeRequest(tx, id, { state: 'closed' });
  await writeAudit(tx, {
    actor: OURS,
    action: 'merge_request.closed',
    target: `!${request.number}`,
    repoId: request.repoId,
    detail: { job: `j_${request.jobId}`, state: job?.state, branch: request.branch },
  });
}

/** Puts the head of a merge request to people once more, under the rules that held before. */
export async function openGateAgain(
  tx: Queryable,
  request: MergeRequest,
  note: string,
): Promise<void> {
  const last = await findLastMergeGate(tx, request.id);
  await openGate(tx, {
    repoId: request.repoId,
    jobId: request.jobId,
    mergeRequestId: request.id,
    kind: 'merge',
    head: request.head,
    title: request.title,
    body: [note, request.description].join('\n\n'),
    rules: last?.rules ?? [],
    requesters: last?.requesters ?? [],
  });
}
