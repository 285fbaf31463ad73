import { writeAudit } from '../db/audit.ts';
import { pokeBudgetWaiters, raiseWindows } from '../db/budgets.ts';
import type { Queryable } from '../db/db.ts';
import type { Gate, Vote } from '../db/gates.ts';
import { closeGate } from '../db/gates.ts';
import { wakeJob } from '../db/promote.ts';

/** Raises what a `budget` gate offers, for as long as its windows last, and queues the job that asked. */
export async function raiseApproved(
  tx: Queryable,
  gate: Gate,
  { voter, note }: Vote,
): Promise<undefined> {
  await closeGate(tx, gate.id, {
    state: 'approved',
    by: voter,
    ...(note !== null && { note }),
  });
  await writeAudit(tx, {
    actor: voter,
    action: 'budget.raise',
    target: `g_${gate.id}`,
    repoId: gate.repoId,
    detail: { windows: gate.ask?.windows ?? [] },
  });
  await pokeWaiters(tx, gate);
  if (gate.jobId !== null) {
    await wakeJob(tx, gate.jobId, { from: 'budget', actor: voter });
  }
  await raiseWindows(tx, gate.ask?.windows ?? []);
}

/** Has everything that waits with the question of a `budget` gate look again: it is answered, or asked no more. */
export async function pokeWaiters(tx: Queryable, { ask }: Pick<Gate, 'ask'>): Promise<void> {
  if (ask) {
    await pokeBudgetWaiters(
      tx,
      ask.windows.map(({ id }) => id),
    );
  }
}
