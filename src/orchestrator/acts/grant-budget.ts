import { writeAudit } from '../../db/audit.ts';
import { insertGrant } from '../../db/budget-grants.ts';
import type { Db } from '../../db/db.ts';
import { notifyWork } from '../../db/enqueue.ts';
import { getJob } from '../../db/job-rows.ts';
import { wakeJob } from '../../db/promote.ts';
import { isFinal } from '../../domain/job-state.ts';
import { AppError } from '../../kernel/errors.ts';

/** A one-time raise for one job: it may start although a budget has no room for it. */
export async function grantBudget(
  { db }: { db: Db },
  jobId: number,
  { actor, microUsd, reason }: { actor: string; microUsd: number; reason?: string | undefined },
): Promise<{ message: string }> {
  await db.transaction(async (tx) => {
    const job = await getJob(tx, jobId);
    if (!job || isFinal(job.state)) {
      throw new AppError(job ? 'CONFLICT' : 'NOT_FOUND', `there is no live job j_${jobId}`, {
        remedy: 'A job that ended can be run again: `autodev retry`.',
      });
    }
    // The job before its grant: jobs are locked first everywhere.
    await wakeJob(tx, jobId, { from: 'budget', actor });
    await insertGrant(tx, { jobId, microUsd, actor, ...(reason !== undefined && { reason }) });
    await writeAudit(tx, {
      actor,
      action: 'budget.grant',
      target: `j_${jobId}`,
      repoId: job.repoId,
      detail: { micro_usd: microUsd, reason },
    });
  });
  await notifyWork(db);
  return { message: `Granted ${(microUsd / 1_000_000).toFixed(2)} USD to j_${jobId}.` };
}
