import type { Gate, Vote } from '../db/gates.ts';
import type { ApprovalVerdict } from '../domain/approval-verdict.ts';
import { decideApproval } from '../domain/approval-verdict.ts';
import type { GateKind } from '../domain/spec.ts';
import type { GateDeps } from './gate-deps.ts';

export interface Decision {
  readonly gate: Gate;
  readonly votes: readonly Vote[];
}

/** What the votes of a gate come to, and the one that made it so; undefined while people have not decided. */
export function judgeVotes(
  deps: Pick<GateDeps, 'operator' | 'matches'>,
  decision: Decision,
  kind: GateKind,
): { verdict: ApprovalVerdict; vote: Vote } | undefined {
  const verdict = judge(deps, decision, kind);
  const vote = decidingVote(verdict, decision.votes);
  return vote && { verdict, vote };
}

/** The vote that made the verdict what it is: others may have come after it that do not count. */
function decidingVote(
  { decision, by, rules }: ApprovalVerdict,
  votes: readonly Vote[],
): Vote | undefined {
  const choice = {
    approved: 'approve',
    rejected: 'reject',
    changes: 'changes',
    waiting: undefined,
  };
  const approvers = new Set(rules.flatMap(({ approvers: ids }) => ids));
  return votes.findLast(
    ({ voter, verdict }) =>
      verdict === choice[decision] && (by === undefined ? approvers.has(voter) : voter === by),
  );
}

function judge(
  { operator, matches }: Pick<GateDeps, 'operator' | 'matches'>,
  { gate, votes }: Decision,
  kind: GateKind,
): ApprovalVerdict {
  const rules = Object.fromEntries(gate.rules.map(({ name, rule }) => [name, rule]));
  return decideApproval({
    gate: kind,
    // The rules were chosen when the gate opened; by what they match is not asked again.
    rules: Object.fromEntries(
      Object.entries(rules).map(([name, rule]) => [name, { ...rule, paths: [], agents: [] }]),
    ),
    head: gate.head ?? '',
    paths: [],
    votes: votes.flatMap(({ id, voter, verdict, head }) =>
      verdict === 'answer'
        ? []
        : [{ id: String(id), by: voter, choice: verdict, head: head ?? '' }],
    ),
    people: [],
    authors: new Set(),
    requesters: new Set(gate.requesters),
    operator,
    matches,
  });
}
