import { writeAudit } from '../../db/audit.ts';
import { insertGrant } from '../../db/budget-grants.ts';
import { listOpenWindows, pokeBudgetWaiters, raiseWindows } from '../../db/budgets.ts';
import type { Db } from '../../db/db.ts';
import { notifyWork } from '../../db/enqueue.ts';
import { closeGate, listOpenGatesOfJob } from '../../db/gates.ts';
import { lockJob } from '../../db/job-locks.ts';
import { getJob } from '../../db/job-rows.ts';
import { wakeJob } from '../../db/promote.ts';
import type { Agent } from '../../domain/agent.ts';
import { AppError } from '../../kernel/errors.ts';
import { pokeWaiters } from '../raise-budget.ts';

interface Grant {
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

/**
 * Raises the budgets of a scope (the fleet, a repository, one agent of it) in their open windows, and has what waits
 * for them look again. Throws CONFLICT where no budget of that scope has counted anything: nothing is at its cap.
 */
export async function grantWindows(
  { db }: { db: Db },
  scope: { readonly repoId?: number | undefined; readonly agent?: Agent | undefined },
  { actor, microUsd, reason }: Grant,
): Promise<{ message: string }> {
  const name = scopeName(scope);
  const raised = await db.transaction(async (tx) => {
    const windows = await listOpenWindows(tx, name);
    const raises = windows
      .filter(({ unit }) => unit === 'micro_usd')
      .map(({ id }) => ({ id, amount: microUsd }));
    if (raises.length === 0) {
      throw new AppError('CONFLICT', 'no budget in USD of this scope has counted anything yet', {
        remedy: 'See what is spent with `autodev budget`; caps are set in autodev.yaml.',
      });
    }
    // Jobs before windows, as everywhere.
    await pokeBudgetWaiters(
      tx,
      raises.map(({ id }) => id),
    );
    await writeAudit(tx, {
      actor,
      action: 'budget.raise',
      target: name,
      ...(scope.repoId !== undefined && { repoId: scope.repoId }),
      detail: { micro_usd: microUsd, reason, windows: raises.map(({ id }) => id) },
    });
    await raiseWindows(tx, raises);
    return raises.length;
  });
  const windows = raised === 1 ? 'one window' : `${raised} windows`;
  return { message: `Raised by ${usd(microUsd)} USD in ${windows}, until each ends.` };
}

function scopeName({
  repoId,
  agent,
}: {
  readonly repoId?: number | undefined;
  readonly agent?: Agent | undefined;
}): string {
  if (repoId === undefined) {
    return 'fleet';
  }
  return agent === undefined ? `repo:${repoId}` : `agent:${repoId}:${agent}`;
}

function usd(microUsd: number): string {
  return (microUsd / 1_000_000).toFixed(2);
}
