import type { ApprovalQuestion, Vote } from './approval-question.ts';
import { mayVote } from './approval-vote.ts';
import type { ApprovalRule } from './spec.ts';

export interface RuleVerdict {
  readonly name: string;
  readonly met: boolean;
  readonly approvals: { readonly needed: number; readonly given: number };
  /** Ids of the people whose approval counts for this rule. */
  readonly approvers: readonly string[];
  /** What is missing, as a sentence for people; undefined when the rule is met. */
  readonly missing?: string;
}

/** Judges one rule by the votes that count. `self`: the operator approved, which meets every rule. */
export function judgeRule(
  { name, rule, self }: { name: string; rule: ApprovalRule; self: boolean },
  { people, requesters, operator }: ApprovalQuestion,
  counted: readonly Vote[],
): RuleVerdict {
  const eligible = new Set(people.filter((person) => mayVote(person, rule)).map(({ id }) => id));
  const approvers = counted
    .filter(({ choice, by }) => choice === 'approve' && (by === operator || eligible.has(by)))
    .map(({ by }) => by);
  // A rule that asks for nobody would open by itself.
  const needed = Math.max(1, rule.approvals);
  const independent = approvers.some((by) => !requesters.has(by));
  const met = self || (approvers.length >= needed && independent);
  const approvals = { needed, given: approvers.length };

  return met
    ? { name, met, approvals, approvers }
    : { name, met, approvals, approvers, missing: describeMissing(rule, approvals, operator) };
}

function describeMissing(
  rule: ApprovalRule,
  { needed, given }: RuleVerdict['approvals'],
  operator: string | undefined,
): string {
  if (operator !== undefined) {
    return 'Needs your vote.';
  }
  const names = [...rule.users.map((user) => `@${user}`), ...rule.groups];
  const who = names.length > 0 ? ` among ${names.join(', ')}` : '';
  if (given >= needed) {
    return `Needs 1 more approval of a ${rule.role}${who} who did not ask for this work.`;
  }
  const left = needed - given;
  return `Needs ${left} more ${left === 1 ? 'approval' : 'approvals'} of a ${rule.role}${who}.`;
}
