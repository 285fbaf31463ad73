import { writeAudit } from '../../db/audit.ts';
import { insertGrant } from '../../db/budget-grants.ts';
import type { Db } from '../../db/db.ts';
import { notifyWork } from '../../db/enqueue.ts';
import { closeGate, listOpenGatesOfJob } from '../../db/gates.ts';
import { lockJob } from '../../db/job-locks.ts';
import { getJob } from '../../db/job-rows.ts';
import { wakeJob } from '../../db/promote.ts';
import { AppError } from '../../kernel/errors.ts';
import { pokeWaiters } from '../raise-budget.ts';

export interface Grant {
  readonly actor: string;
  readonly microUsd: number;
  readonly reason?: string | undefined;
}

/**
 * A one-time raise for one job and what follows from it: it may start although a budget has no room for it. A
 * question that it asked about that is answered; others that waited with it ask for themselves.
 */
export async function grantBudget(
  { db }: { db: Db },
  jobId: number,
  { actor, microUsd, reason }: Grant,
): Promise<{ message: string }> {
  await db.transaction(async (tx) => {
    const job = await lockJob(tx, jobId);
    if (!job) {
      const known = (await getJob(tx, jobId)) !== undefined;
      throw new AppError(known ? 'CONFLICT' : 'NOT_FOUND', `there is no live job j_${jobId}`, {
        remedy: 'A job that ended can be run again: `autodev retry`.',
      });
    }
    for (const gate of await listOpenGatesOfJob(tx, jobId)) {
      if (gate.kind === 'budget') {
        const note = `Granted ${usd(microUsd)} USD to this job alone.`;
        await closeGate(tx, gate.id, { state: 'answered', by: actor, note });
        await pokeWaiters(tx, gate);
      }
    }
    await wakeJob(tx, jobId, { from: 'budget', actor });
    const { rootId } = job;
    await insertGrant(tx, { rootId, microUsd, actor, ...(reason !== undefined && { reason }) });
    await writeAudit(tx, {
      actor,
      action: 'budget.grant',
      target: `j_${jobId}`,
      repoId: job.repoId,
      detail: { micro_usd: microUsd, reason },
    });
  });
  await notifyWork(db);
  return { message: `Granted ${usd(microUsd)} USD to j_${jobId}.` };
}

export function usd(microUsd: number): string {
  return (microUsd / 1_000_000).toFixed(2);
}
