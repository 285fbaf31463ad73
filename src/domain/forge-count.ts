import type { ApprovalQuestion } from './approval-question.ts';
import { decideApproval, matchingRules } from './approval-verdict.ts';
import { findAuthors } from './forge-authors.ts';
import type { KnownPerson } from './forge-facts.ts';
import type { ForgeCount, ForgeQuestion } from './forge-question.ts';
import type { ForgeVote } from './forge-votes.ts';

/**
 * Holds the votes against every rule that the change matches. Where a hand or a requester is not known, a rule asks
 * for one approval more: any of its voters may be that person.
 */
export function countVotes(
  question: ForgeQuestion,
  votes: readonly ForgeVote[],
  head: string,
): ForgeCount {
  const { request, ours, gate, agent, matches } = question;
  const authorship = findAuthors(request, ours);
  const matching = matchingRules({ ...question, paths: request.paths });
  const more = authorship.unknownHand ? 1 : 0;
  const people = request.people
    .filter(({ active }) => active)
    .map((person) => boundPerson(person, question));
  const requesters = findRequesters(question);
  const approval = decideApproval({
    gate,
    // They match: what they match is not asked again.
    rules: Object.fromEntries(
      matching.map(([name, rule]) => [
        name,
        {
          ...rule,
          users: rule.users.map((user) => user.toLowerCase()),
          approvals: Math.max(1, rule.approvals) + more + requesters.unknown,
          paths: [],
          agents: [],
        },
      ]),
    ),
    ...(agent !== undefined && { agent }),
    head,
    paths: [],
    votes,
    people,
    authors: authorship.authors,
    requesters: requesters.ids,
    matches,
  });
  return { head, approval, votes, authorship };
}

/** A requester whose name is nobody's now may be any voter: then one vote more is asked for. */
function findRequesters({ requesters, request }: ForgeQuestion): {
  ids: ReadonlySet<string>;
  unknown: number;
} {
  const known = new Map(
    request.people.map(({ id, username }) => [username.toLowerCase(), id] as const),
  );
  const found = [...new Set(requesters.map((name) => name.toLowerCase()))].map((name) =>
    known.get(name),
  );
  return {
    ids: new Set(found.filter((id) => id !== undefined)),
    unknown: found.includes(undefined) ? 1 : 0,
  };
}

/** A name in a rule means what had it when the file was applied, whoever has it now. */
function boundPerson(
  person: KnownPerson,
  { bindings, request, ours }: ForgeQuestion,
): ApprovalQuestion['people'][number] {
  const { id, username, groups, role, bot } = person;
  const name = username.toLowerCase();
  return {
    id,
    username: bindings.users[name] === id ? name : '',
    role,
    groups: groups.filter((path) => {
      const now = request.groupIds[path];
      return now !== undefined && bindings.groups[path.toLowerCase()] === now;
    }),
    bot: bot || id === ours.bot,
  };
}
