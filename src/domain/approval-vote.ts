import type { ApprovalQuestion, Person, Vote } from './approval-question.ts';
import { isAtLeast } from './role.ts';
import type { ApprovalRule } from './spec.ts';

type DiscountReason =
  | 'other_head'
  | 'replaced'
  | 'not_member'
  | 'bot'
  | 'author'
  | 'not_operator'
  | 'not_eligible';

export interface DiscountedVote {
  readonly vote: Vote;
  readonly reason: DiscountReason;
  readonly sentence: string;
}

const SENTENCES: Readonly<Record<DiscountReason, string>> = {
  other_head: 'It was given for another state of the change; a push voids votes.',
  replaced: 'The same person voted again; their last vote counts.',
  not_member: 'The voter is not a member of this repository.',
  bot: 'Bots do not vote.',
  author: 'Who wrote, committed or pushed the change cannot approve it.',
  not_operator: 'In local mode only the user who runs Auto-Dev votes.',
  not_eligible: 'The voter is not among those whom a rule of this gate asks.',
};

/** Parts the votes into those that count, at most one per person, and those that do not, each with why. */
export function judgeVotes(
  question: ApprovalQuestion,
  rules: readonly (readonly [name: string, rule: ApprovalRule])[],
): { counted: Vote[]; discounted: DiscountedVote[] } {
  const counted: Vote[] = [];
  const discounted: DiscountedVote[] = [];
  const last = new Map(
    question.votes.filter(({ head }) => head === question.head).map((vote) => [vote.by, vote]),
  );

  for (const vote of question.votes) {
    const reason = discount(vote, { question, rules, isLast: last.get(vote.by) === vote });
    if (reason === undefined) {
      counted.push(vote);
    } else {
      discounted.push({ vote, reason, sentence: SENTENCES[reason] });
    }
  }
  return { counted, discounted };
}

/** Role and, where the rule names any, users or groups. */
export function mayVote(person: Person, rule: ApprovalRule): boolean {
  const named = rule.users.length > 0 || rule.groups.length > 0;
  return (
    isAtLeast(person.role, rule.role) &&
    (!named ||
      rule.users.includes(person.username) ||
      rule.groups.some((group) => person.groups.includes(group)))
  );
}

function discount(
  vote: Vote,
  {
    question,
    rules,
    isLast,
  }: {
    question: ApprovalQuestion;
    rules: readonly (readonly [name: string, rule: ApprovalRule])[];
    isLast: boolean;
  },
): DiscountReason | undefined {
  if (vote.head !== question.head) {
    return 'other_head';
  }
  if (!isLast) {
    return 'replaced';
  }
  if (question.operator !== undefined) {
    return vote.by === question.operator ? undefined : 'not_operator';
  }

  const person = question.people.find(({ id }) => id === vote.by);
  if (person === undefined) {
    return 'not_member';
  }
  if (person.bot) {
    return 'bot';
  }
  // An author may still withdraw: what they reject does not go on against their will.
  if (vote.choice === 'approve' && question.authors.has(person.id)) {
    return 'author';
  }
  return rules.some(([, rule]) => mayVote(person, rule)) ? undefined : 'not_eligible';
}
