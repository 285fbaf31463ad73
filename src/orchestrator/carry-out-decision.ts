import { writeAudit } from '../db/audit.ts';
import type { Queryable } from '../db/db.ts';
import type { Gate, Vote } from '../db/gates.ts';
import { closeGate } from '../db/gates.ts';
import { wakeJob } from '../db/promote.ts';
import { answerGate } from './answer-gate.ts';
import type { GateDeps } from './gate-deps.ts';
import type { Decision } from './judge-votes.ts';
import { judgeVotes } from './judge-votes.ts';
import { mergeApproved } from './merge.ts';
import { raiseApproved } from './raise-budget.ts';
import { rejectGate } from './reject-gate.ts';
import { sendBack } from './send-back.ts';

/** Does what the votes of a gate say, in the transaction that holds the gate; nothing while they say nothing. */
export async function carryOutDecision(
  deps: GateDeps,
  tx: Queryable,
  decision: Decision,
  signal: AbortSignal,
): Promise<undefined> {
  const { gate, votes } = decision;
  const { kind } = gate;
  switch (kind) {
    case 'question':
    case 'rounds': {
      const own = votes.findLast(({ voter }) => voter === deps.operator);
      if (own) {
        await answerGate(tx, gate, own);
      }
      return undefined;
    }
    case 'budget':
    case 'run':
    case 'merge':
    case 'config':
      break;
    default:
      return kind satisfies never;
  }

  // A raised cap is what a changed file would be, and asks the same people.
  const judged = judgeVotes(deps, decision, kind === 'budget' ? 'config' : kind);
  if (!judged) {
    return undefined;
  }
  const { verdict, vote } = judged;
  switch (verdict.decision) {
    case 'waiting':
      return undefined;
    case 'approved':
      switch (kind) {
        case 'merge':
          return mergeApproved(deps, tx, { gate, by: vote.voter, self: verdict.self }, signal);
        case 'budget':
          return raiseApproved(tx, gate, vote);
        case 'run':
        case 'config':
          return startApproved(tx, gate, vote);
        default:
          return kind satisfies never;
      }
    case 'rejected':
      return rejectGate(tx, gate, {
        by: vote.voter,
        note: vote.note ?? `Rejected by ${vote.voter}.`,
      });
    case 'changes':
      return sendBack(tx, gate, vote);
    default:
      return verdict.decision satisfies never;
  }
}

async function startApproved(tx: Queryable, gate: Gate, { voter, note }: Vote): Promise<undefined> {
  await closeGate(tx, gate.id, {
    state: 'approved',
    by: voter,
    ...(note !== null && { note }),
  });
  await writeAudit(tx, {
    actor: voter,
    action: 'gate.approved',
    target: `g_${gate.id}`,
    repoId: gate.repoId,
    detail: { kind: gate.kind },
  });
  if (gate.jobId !== null) {
    await wakeJob(tx, gate.jobId, { from: 'gate', actor: voter });
  }
}
