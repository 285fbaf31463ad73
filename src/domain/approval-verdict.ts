import type { ApprovalQuestion } from './approval-question.ts';
import { judgeRule, type RuleVerdict } from './approval-rule.ts';
import { judgeVotes, type DiscountedVote } from './approval-vote.ts';
import type { ApprovalRule, GateKind } from './spec.ts';

export interface ApprovalVerdict {
  readonly state: 'open' | 'shut';
  /** What people decided: `waiting` is shut for now, `rejected` and `changes` are shut by somebody. */
  readonly decision: 'approved' | 'waiting' | 'rejected' | 'changes';
  /** Who rejected or asked for changes. */
  readonly by?: string;
  /** Never empty. */
  readonly rules: readonly RuleVerdict[];
  /** Votes that do not count, each with the reason that its voter is told. */
  readonly discounted: readonly DiscountedVote[];
  /** Opened by the operator's own vote; recorded as `self`. */
  readonly self: boolean;
}

/** What holds where no rule matches: a gate without a rule would open by nobody's vote. */
const FALLBACK: Readonly<Record<GateKind, ApprovalRule>> = {
  run: fallback('run', 'developer'),
  merge: fallback('merge', 'developer'),
  config: fallback('config', 'maintainer'),
};

/**
 * Whether a gate opens. Every matching rule must be met; a gate opens only by votes on exactly this head,
 * never by time, by an error or by an empty rule, and never for the author of the change. One person who
 * may vote and says reject or changes shuts it, whatever the others say.
 */
export function decideApproval(question: ApprovalQuestion): ApprovalVerdict {
  const rules = matchingRules(question);
  const { counted, discounted } = judgeVotes(question, rules);
  const stop = counted.find(({ choice }) => choice !== 'approve');
  const self = counted.some(({ by, choice }) => by === question.operator && choice === 'approve');
  const verdicts = rules.map(([name, rule]) => judgeRule({ name, rule, self }, question, counted));

  const open = stop === undefined && verdicts.every(({ met }) => met);
  const decision = { approve: 'waiting', reject: 'rejected', changes: 'changes' } as const;
  return {
    state: open ? 'open' : 'shut',
    decision: open ? 'approved' : decision[stop?.choice ?? 'approve'],
    ...(stop && { by: stop.by }),
    rules: verdicts,
    discounted,
    self: open && self,
  };
}

/**
 * The rules that a change must meet, by name. An agent's merge request that none of them matches needs
 * `default`; without that one, one approval of a developer (of a maintainer for a `config` gate).
 */
export function matchingRules(
  question: Pick<ApprovalQuestion, 'gate' | 'rules' | 'agent' | 'paths' | 'matches'>,
): [name: string, rule: ApprovalRule][] {
  const { gate, rules, agent, paths, matches } = question;
  const matching = Object.entries(rules).filter(
    ([, rule]) =>
      rule.gate === gate &&
      (rule.agents.length === 0 || (agent !== undefined && rule.agents.includes(agent))) &&
      (rule.paths.length === 0 ||
        rule.paths.some((glob) => paths.some((path) => matches(glob, path)))),
  );
  const standard = rules['default']?.gate === gate ? rules['default'] : FALLBACK[gate];
  return matching.length > 0 ? matching : [['default', standard]];
}

function fallback(gate: GateKind, role: ApprovalRule['role']): ApprovalRule {
  return { gate, approvals: 1, role, users: [], groups: [], paths: [], agents: [] };
}
