import type { ControlBus } from '../../control/control-bus.ts';
import { writeAudit } from '../../db/audit.ts';
import { cancelJob as orderCancel } from '../../db/controls.ts';
import type { Db, Queryable } from '../../db/db.ts';
import { releaseEffects } from '../../db/effects.ts';
import { notifyWork } from '../../db/enqueue.ts';
import type { JobRow } from '../../db/job-rows.ts';
import { getJob } from '../../db/job-rows.ts';
import { reopenJob } from '../../db/promote.ts';
import { isFinal } from '../../domain/job-state.ts';
import { AppError } from '../../kernel/errors.ts';
import { endJob } from '../end-job.ts';

/**
 * Cancels a job wherever it stands: at once while it waits, is queued, publishes or is in review (its branch is
 * kept), and through its runner while it runs. Throws NOT_FOUND, and CONFLICT for one that has ended.
 */
export async function cancelJob(
  { db, bus }: { db: Db; bus: Pick<ControlBus, 'publish'> },
  jobId: number,
  { actor, reason = 'Cancelled.' }: { actor: string; reason?: string | undefined },
): Promise<void> {
  await db.transaction(async (tx) => {
    const ended = await endJob(tx, jobId, {
      from: ['queued', 'waiting', 'publishing', 'review'],
      to: 'cancelled',
      reason: 'cancelled',
      detail: reason,
      actor,
    });
    const job = ended ?? (await mustExist(tx, jobId));
    if (!ended && isFinal(job.state)) {
      throw new AppError('CONFLICT', `j_${jobId} has ended already: ${job.state}`, {
        remedy: `See what came of it: \`autodev job j_${jobId}\`.`,
      });
    }
    if (!ended) {
      // Its runner ends it; should it be done before it sees this, the orchestrator does.
      await orderCancel(tx, { id: jobId, actor, reason });
    }
    await writeAudit(tx, {
      actor,
      action: 'job.cancel',
      target: `j_${jobId}`,
      repoId: job.repoId,
      detail: { reason },
    });
  });
  bus.publish('control');
  await notifyWork(db);
}

/** Carries out what a staged job only showed. Throws CONFLICT where there is nothing staged. */
export async function releaseJob(
  { db }: { db: Db },
  jobId: number,
  { actor }: { actor: string },
): Promise<{ message: string }> {
  const released = await db.transaction(async (tx) => {
    const job = await mustExist(tx, jobId);
    if (!isFinal(job.state)) {
      throw new AppError('CONFLICT', `j_${jobId} is ${job.state}: it has not ended`, {
        remedy: 'Release it when it has; until then its staged effects may still change.',
      });
    }
    const count = await releaseEffects(tx, jobId);
    if (count === 0 || !(await reopenJob(tx, jobId, 'publishing'))) {
      throw new AppError('CONFLICT', `j_${jobId} has no staged effect`, {
        remedy: `See what it did: \`autodev job j_${jobId}\`.`,
      });
    }
    await writeAudit(tx, {
      actor,
      action: 'job.release',
      target: `j_${jobId}`,
      repoId: job.repoId,
      detail: { effects: count },
    });
    return count;
  });
  return {
    message: `${released} staged ${released === 1 ? 'effect is' : 'effects are'} being carried out.`,
  };
}

async function mustExist(tx: Queryable, jobId: number): Promise<JobRow> {
  const job = await getJob(tx, jobId);
  if (!job) {
    throw new AppError('NOT_FOUND', `there is no job j_${jobId}`, {
      remedy: 'List them with `autodev jobs`.',
    });
  }
  return job;
}
