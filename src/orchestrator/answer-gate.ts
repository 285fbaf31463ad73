import { writeAudit } from '../db/audit.ts';
import type { Queryable } from '../db/db.ts';
import type { Gate, Vote } from '../db/gates.ts';
import { closeGate } from '../db/gates.ts';
import { wakeJob } from '../db/promote.ts';
import { AppError } from '../kernel/errors.ts';
import { rejectGate } from './reject-gate.ts';

/** An answer queues the same job again; approving without a word says "go on", rejecting ends the job. */
export async function answerGate(tx: Queryable, gate: Gate, vote: Vote): Promise<void> {
  if (vote.verdict === 'reject') {
    const note = vote.note ?? `${vote.voter} does not answer.`;
    await rejectGate(tx, gate, { by: vote.voter, note });
    return;
  }
  const text = vote.note ?? 'Go on.';
  await closeGate(tx, gate.id, { state: 'answered', by: vote.voter, note: text });
  await writeAudit(tx, {
    actor: vote.voter,
    action: 'gate.answered',
    target: `g_${gate.id}`,
    repoId: gate.repoId,
    detail: { kind: gate.kind, note: vote.note },
  });
  const input = { kind: 'answer', author: vote.voter, text, at: vote.at.toISOString() } as const;
  if (
    gate.jobId !== null &&
    !(await wakeJob(tx, gate.jobId, { from: 'question', input, actor: vote.voter }))
  ) {
    throw new AppError('CONFLICT', `j_${gate.jobId} does not wait for an answer any more`, {
      remedy: `See where it stands: \`autodev job j_${gate.jobId}\`.`,
    });
  }
}
