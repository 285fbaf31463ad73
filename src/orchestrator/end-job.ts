import type { Queryable } from '../db/db.ts';
import { cancelEffects } from '../db/effects.ts';
import type { GateState } from '../db/gates.ts';
import { closeGate, listOpenGatesOfJob } from '../db/gates.ts';
import { lockJob } from '../db/job-locks.ts';
import type { JobRow } from '../db/job-rows.ts';
import { closeMergeRequest, lockMergeRequest } from '../db/merge-requests.ts';
import { moveToFinal } from '../db/promote.ts';
import type { JobReason } from '../domain/end-reason-text.ts';
import type { JobState } from '../domain/job-state.ts';
import { pokeWaiters } from './raise-budget.ts';

type Resting = Exclude<JobState, 'running'>;

interface JobEnd {
  readonly from: readonly Resting[];
  readonly to: 'failed' | 'cancelled' | 'rejected';
  readonly reason: JobReason;
  /** One sentence for people. */
  readonly detail: string;
  readonly actor: string;
  /** What its open gates become; `superseded` when not given. */
  readonly gates?: Exclude<GateState, 'open'>;
}

/**
 * Ends a job that came to nothing, and with it what hangs on it: effects that have not begun, its open gates, and
 * the merge request that it works on (the branch is kept). Answers it as it ended; undefined when it is in none of
 * `from`, and then nothing changed.
 */
export async function endJob(
  tx: Queryable,
  id: number,
  { from, to, reason, detail, actor, gates = 'superseded' }: JobEnd,
): Promise<JobRow | undefined> {
  const job = await lockJob(tx, id);
  if (!job || !from.some((state) => state === job.state)) {
    return undefined;
  }
  await cancelEffects(tx, id);
  if (job.mergeRequestId !== null) {
    const request = await lockMergeRequest(tx, job.mergeRequestId);
    // A reviewer's merge request is somebody else's work.
    if (request?.jobId === id) {
      await closeMergeRequest(tx, request.id, { state: 'closed' });
    }
  }
  for (const gate of await listOpenGatesOfJob(tx, id)) {
    await closeGate(tx, gate.id, { state: gates, by: actor, note: detail });
    await pokeWaiters(tx, gate);
  }
  return moveToFinal(tx, id, { from, to, reason, detail, actor });
}
