import { writeAudit } from '../db/audit.ts';
import type { Queryable } from '../db/db.ts';
import type { Gate } from '../db/gates.ts';
import { closeGate } from '../db/gates.ts';
import { endJob } from './end-job.ts';
import { pokeWaiters } from './raise-budget.ts';

/**
 * Closes a gate as rejected (or expired) and ends what waited at it: its job, and the merge request, whose branch is
 * kept. The caller holds the locks of job, merge request and gate.
 */
export async function rejectGate(
  tx: Queryable,
  gate: Gate,
  { by, note, reason = 'rejected' }: { by: string; note: string; reason?: 'rejected' | 'expired' },
): Promise<undefined> {
  await closeGate(tx, gate.id, { state: reason, by, note });
  await pokeWaiters(tx, gate);
  await writeAudit(tx, {
    actor: by,
    action: `gate.${reason}`,
    target: `g_${gate.id}`,
    repoId: gate.repoId,
    detail: { kind: gate.kind, reason: note },
  });
  if (gate.jobId !== null) {
    await endJob(tx, gate.jobId, {
      from: ['review', 'waiting'],
      to: 'rejected',
      reason,
      detail: note,
      actor: by,
    });
  }
}
