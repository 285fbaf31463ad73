import type { Queryable } from '../db/db.ts';
import { cancelEffects, listEffects, listSettledPublishing } from '../db/effects.ts';
import { notifyWork } from '../db/enqueue.ts';
import { recordEvents } from '../db/events.ts';
import { listOpenGatesOfJob } from '../db/gates.ts';
import type { ReadyChild } from '../db/job-chain.ts';
import { listReadyChildren, setSubject } from '../db/job-chain.ts';
import type { JobRow } from '../db/job-rows.ts';
import { getJob } from '../db/job-rows.ts';
import { findMergeRequest } from '../db/merge-requests.ts';
import { moveJob, moveToFinal, wakeJob } from '../db/promote.ts';
import { decideAfterEffects } from '../domain/attempt-outcome.ts';
import { isFinal } from '../domain/job-state.ts';
import type { EffectDeps } from './effect-handler.ts';

const BATCH = 100;

/** Moves on every publishing job whose effects are settled, and the hand-offs of those that are. */
export async function finishPublishing({
  db,
  log,
}: Pick<EffectDeps, 'db' | 'log'>): Promise<number> {
  const settled = await listSettledPublishing(db, BATCH);
  for (const { id, failed } of settled) {
    await db.transaction((tx) => (failed ? fail(tx, id) : finish(tx, id)));
    log.info({ jobId: id, failed }, 'publishing ended');
  }

  const children = await listReadyChildren(db, BATCH);
  for (const child of children) {
    // One job a transaction: each locks the counters of its lane.
    await db.transaction((tx) => (child.start ? startChild(tx, child) : cancelChild(tx, child)));
  }
  if (children.length > 0) {
    await notifyWork(db);
  }
  return settled.length + children.length;
}

/** To people where an open gate waits for them, else to the end. */
async function finish(tx: Queryable, id: number): Promise<void> {
  const job = await getJob(tx, id);
  const gates = await listOpenGatesOfJob(tx, id);
  const { state, waitReason } = decideAfterEffects({
    reason: gates.some(({ kind }) => kind === 'question')
      ? 'question'
      : (job?.reason ?? 'succeeded'),
    needsPeople: gates.some(({ kind }) => kind === 'merge'),
  });
  if (!isFinal(state)) {
    await moveJob(tx, id, {
      from: 'publishing',
      to: state === 'review' ? 'review' : 'waiting',
      ...(waitReason && { waitReason }),
    });
    return;
  }

  const ended = await moveToFinal(tx, id, { from: 'publishing', to: 'succeeded' });
  if (ended) {
    await recordEvents(tx, [succeeded(ended)]);
  }
}

/** What was done stays done and is listed; what was not begun is dropped. */
async function fail(tx: Queryable, id: number): Promise<void> {
  const effects = await listEffects(tx, id);
  const broken = effects.find(({ state }) => state === 'failed');
  const done = effects.filter(({ state }) => state === 'done').map(({ type }) => type);
  await cancelEffects(tx, id);
  await moveToFinal(tx, id, {
    from: 'publishing',
    to: 'failed',
    detail:
      `The effect \`${broken?.type}\` failed: ${broken?.error ?? 'no reason given'}` +
      (done.length > 0 ? ` Done before it: ${done.join(', ')}.` : ''),
  });
}

/** A hand-off begins when what its parent published is there, and works at that. */
async function startChild(tx: Queryable, child: ReadyChild): Promise<void> {
  const parent = await getJob(tx, child.parentId);
  const published = parent?.mergeRequestId;
  const request = published ? await findMergeRequest(tx, published) : undefined;
  if (request) {
    await setSubject(tx, child.id, {
      base: request.head,
      branch: request.branch,
      mergeRequestId: request.id,
      number: request.number,
    });
  }
  await wakeJob(tx, child.id, { from: 'parent' });
}

async function cancelChild(tx: Queryable, child: ReadyChild): Promise<void> {
  await moveToFinal(tx, child.id, {
    from: 'waiting',
    to: 'cancelled',
    reason: 'cancelled',
    detail: 'The job that handed this off came to nothing.',
  });
}

function succeeded(job: JobRow): Parameters<typeof recordEvents>[1][number] {
  return {
    repoId: job.repoId,
    type: 'job_succeeded',
    key: `job_succeeded:${job.id}`,
    payload: { job_id: job.id, agent: job.agent },
  };
}
