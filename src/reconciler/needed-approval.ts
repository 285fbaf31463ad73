import { matchingRules } from '../domain/approval-verdict.ts';
import { codeSpan } from '../domain/markdown.ts';
import type { ApprovalRule, RepoSpec } from '../domain/spec.ts';
import type { StatusWish } from '../forge/review.ts';
import type { Plan } from './plan-document.ts';

/** Who has to agree to a plan, as a sentence for its note and as a status of its commit. */
export function neededApproval(
  { matches }: { matches: (glob: string, path: string) => boolean },
  { plan, inForce }: { plan: Plan; inForce: RepoSpec | undefined },
): { text: string; status: Omit<StatusWish, 'branch'> } {
  const { loosening } = plan.summary;
  const name = 'autodev/approval';
  if (loosening === 0) {
    return {
      text: '**Approval:** nothing is loosened, so merging it is enough.',
      status: { name, state: 'success', description: 'Nothing is loosened: merging it is enough' },
    };
  }
  // The rules in force decide about their own change: a file never brings the rule that lets it in.
  const rules = matchingRules({
    gate: 'config',
    rules: inForce?.approvals ?? {},
    paths: ['autodev.yaml'],
    matches,
  });
  const what = loosening === 1 ? '1 change loosens' : `${loosening} changes loosen`;
  const [first] = rules;
  return {
    text: `**Approval:** ${what}, so ${rules.map(([rule, asked]) => `${wanted(asked)} (rule ${codeSpan(rule)})`).join(' and ')}, none of them its author. Merging it counts as one.`,
    status: {
      name,
      state: 'failed',
      description: `${what}: ${first ? wanted(first[1]) : 'somebody'} must agree`,
    },
  };
}

function wanted({ approvals, role, users, groups }: ApprovalRule): string {
  const names = [...users, ...groups];
  const who = names.length === 0 ? '' : ` among ${names.map((one) => codeSpan(one)).join(', ')}`;
  const count = Math.max(1, approvals);
  return `${count} ${role}${count === 1 ? '' : 's'}${who}`;
}
