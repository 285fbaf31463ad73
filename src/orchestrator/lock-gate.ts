import type { Queryable } from '../db/db.ts';
import type { Gate } from '../db/gates.ts';
import { getGate, lockOpenGate } from '../db/gates.ts';
import { lockJob } from '../db/job-locks.ts';
import { lockMergeRequest } from '../db/merge-requests.ts';

/** The gate, locked behind its job; undefined when it is closed or cannot be decided yet. */
export async function lockDecidable(tx: Queryable, id: number): Promise<Gate | undefined> {
  const { jobId, mergeRequestId } = await getGate(tx, id);
  const job = jobId === null ? undefined : await lockJob(tx, jobId);
  // While its job runs or publishes, what would be decided is not complete; of one that ended nothing is left to ask.
  if (jobId !== null && (!job || job.state === 'running' || job.state === 'publishing')) {
    return undefined;
  }
  if (mergeRequestId !== null) {
    await lockMergeRequest(tx, mergeRequestId);
  }
  return lockOpenGate(tx, id);
}
