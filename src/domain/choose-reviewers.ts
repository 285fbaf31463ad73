import type { AllowRule, ApprovalRule } from './spec.ts';

/**
 * Who is asked to look: those that the file names; by turns, one of those whom the matching rules name for each; else
 * nobody, and whoever watches the repository sees it. User names.
 *
 * @param turn a number that grows from one piece of work to the next, and stays the same for its rounds
 */
export function chooseReviewers({
  wish,
  rules,
  turn,
}: {
  wish: AllowRule['reviewers'];
  rules: readonly ApprovalRule[];
  turn: number;
}): string[] {
  if (wish === undefined || wish === 'codeowners') {
    // GitLab itself asks code owners where it knows them; a rule's own people are asked here.
    return wish === undefined ? [] : [...new Set(rules.flatMap(({ users }) => users))];
  }
  if (wish !== 'round_robin') {
    return [...new Set(wish)];
  }
  const chosen = rules.flatMap(({ users, approvals }) =>
    Array.from({ length: Math.min(users.length, Math.max(1, approvals)) }, (_, i) => {
      const name = users[(turn + i) % users.length];
      return name === undefined ? [] : [name];
    }).flat(),
  );
  return [...new Set(chosen)];
}
