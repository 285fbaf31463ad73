import { recordForBreaker } from '../db/breakers.ts';
import type { Queryable } from '../db/db.ts';
import { listEffects, listSettledPublishing } from '../db/effects.ts';
import { notifyWork } from '../db/enqueue.ts';
import { recordEvents } from '../db/events.ts';
import { listOpenGatesOfJob, notifyGates } from '../db/gates.ts';
import type { ReadyChild } from '../db/job-chain.ts';
import { listReadyChildren, setSubject } from '../db/job-chain.ts';
import { lockJob } from '../db/job-locks.ts';
import type { JobRow } from '../db/job-rows.ts';
import { getJob } from '../db/job-rows.ts';
import { findMergeRequest, lockMergeRequest } from '../db/merge-requests.ts';
import { moveJob, moveToFinal, wakeJob } from '../db/promote.ts';
import { openRunGate } from '../db/run-gates.ts';
import { decideAfterEffects } from '../domain/attempt-outcome.ts';
import { isFinal } from '../domain/job-state.ts';
import { contain } from './contain.ts';
import type { EffectDeps } from './effect-handler.ts';
import { endJob } from './end-job.ts';
import { openGateAgain } from './loose-ends.ts';

const BATCH = 100;

/** Moves on every publishing job whose effects are settled, and the hand-offs of those that are. */
export async function finishPublishing(
  deps: Pick<EffectDeps, 'db' | 'clock' | 'log'>,
): Promise<number> {
  const { db, log } = deps;
  const settled = await listSettledPublishing(db, BATCH);
  for (const { id, failed } of settled) {
    const done = await contain(deps, { sweep: 'publishing_job', rowId: id }, () =>
      db.transaction((tx) => (failed ? fail : finish)(tx, id, deps.clock.now())),
    );
    if (done) {
      log.info({ jobId: id, failed }, 'publishing ended');
    }
  }

  const children = await listReadyChildren(db, BATCH);
  for (const child of children) {
    // One job a transaction: each locks the counters of its lane.
    await contain(deps, { sweep: 'handed_off_job', rowId: child.id }, () =>
      db.transaction((tx) => (child.start ? startChild(tx, child) : cancelChild(tx, child))),
    );
  }
  if (children.length > 0) {
    await notifyWork(db);
  }
  return settled.length + children.length;
}

/**
 * To people where an open gate waits for them, else to the end. A job that was to continue a merge request and left
 * it as it was puts that to people again.
 */
async function finish(tx: Queryable, id: number, now: Date): Promise<void> {
  const job = await lockJob(tx, id);
  if (job?.state !== 'publishing') {
    return;
  }
  const request =
    job.mergeRequestId === null ? undefined : await lockMergeRequest(tx, job.mergeRequestId);
  const gates = await listOpenGatesOfJob(tx, id);
  const asks = gates.some(({ kind }) => kind === 'question');
  const works = request?.state === 'open' && request.jobId === id;
  if (works && !asks && !gates.some(({ kind }) => kind === 'merge')) {
    await openGateAgain(tx, request, 'The agent changed nothing more; this is what is there.');
  }

  // Why the attempt ended says nothing here: whether people are asked is a gate that stands open.
  const { state, waitReason } = decideAfterEffects({
    reason: asks ? 'question' : 'succeeded',
    needsPeople: works,
  });
  if (!isFinal(state)) {
    await moveJob(tx, id, {
      from: 'publishing',
      to: state === 'review' ? 'review' : 'waiting',
      ...(waitReason && { waitReason }),
    });
    // Votes that were cast meanwhile have waited for this.
    await notifyGates(tx);
    await recordForBreaker(tx, job, 'progress', now);
    return;
  }

  const ended = await moveToFinal(tx, id, { from: 'publishing', to: 'succeeded' });
  if (ended) {
    await recordEvents(tx, [succeeded(ended)]);
    await recordForBreaker(tx, ended, 'progress', now);
  }
}

/** What was done stays done and is listed; what was not begun is dropped. */
async function fail(tx: Queryable, id: number, now: Date): Promise<void> {
  const effects = await listEffects(tx, id);
  const broken = effects.find(({ state }) => state === 'failed');
  const done = effects.filter(({ state }) => state === 'done').map(({ type }) => type);
  const ended = await endJob(tx, id, {
    from: ['publishing'],
    to: 'failed',
    reason: 'effect',
    actor: 'autodev',
    detail:
      `The effect \`${broken?.type}\` failed: ${broken?.error ?? 'no reason given'}` +
      (done.length > 0 ? ` Done before it: ${done.join(', ')}.` : ''),
  });
  if (ended) {
    // Whoever's fault it is: work that cannot leave is not to be made again and again.
    await recordForBreaker(tx, ended, 'failure', now);
  }
}

/**
 * A hand-off begins when what its parent published is there, and works at that; where that is merged already, at
 * the default branch. One that a `run` rule matches waits for people first.
 */
async function startChild(tx: Queryable, { id, parentId }: ReadyChild): Promise<void> {
  const child = await lockJob(tx, id);
  if (child?.state !== 'waiting' || child.waitReason !== 'parent') {
    return;
  }
  const parent = await getJob(tx, parentId);
  const published = parent?.mergeRequestId;
  const request = published ? await findMergeRequest(tx, published) : undefined;
  if (request) {
    await setSubject(tx, id, request);
  }
  if (await openRunGate(tx, child)) {
    await moveJob(tx, id, { from: 'waiting', to: 'waiting', waitReason: 'gate' });
  } else {
    await wakeJob(tx, id, { from: 'parent' });
  }
}

async function cancelChild(tx: Queryable, child: ReadyChild): Promise<void> {
  await endJob(tx, child.id, {
    from: ['waiting'],
    to: 'cancelled',
    reason: 'parent_failed',
    actor: 'autodev',
    detail: `j_${child.parentId}, which handed this off, came to nothing.`,
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
