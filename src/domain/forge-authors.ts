import type { MergeRequestFacts, KnownPerson, OwnPart } from './forge-facts.ts';

/** Who made a change, as far as it can be known. */
export interface Authorship {
  /** Ids of the author of the merge request, and of authors, committers and pushers of its commits. */
  readonly authors: ReadonlySet<string>;
  /** Something of the change was made by somebody whom we cannot name: any voter may be that person. */
  readonly unknownHand: boolean;
  /** Commits that we did not publish. */
  readonly touched: boolean;
}

/**
 * Who made the change. A commit that we published is ours, whatever it says of itself; of every other one its author,
 * its committer and whoever pushed it are authors. Names and addresses in a commit are written by whoever makes it:
 * they can shut somebody out, never let somebody in. A hand that belongs to nobody we know is counted as such.
 */
export function findAuthors(
  request: Pick<
    MergeRequestFacts,
    'author' | 'commits' | 'versions' | 'pushes' | 'people' | 'head'
  >,
  { bot, identities, published }: OwnPart,
): Authorship {
  const ours = new Set(published);
  const foreign = request.commits.filter(({ sha }) => !ours.has(sha));
  const authors = new Set([bot, request.author]);
  let unknownHand = false;

  for (const commit of foreign) {
    const hands = [
      [commit.authorName, commit.authorEmail],
      [commit.committerName, commit.committerEmail],
    ] as const;
    // Our author on a commit that is not ours says that somebody rebased it, or wants it to look so.
    const theirs = hands.filter((hand) => !hand.some((word) => isOneOf(word, identities)));
    for (const hand of theirs) {
      const makers = request.people.filter((person) => isHand(person, hand));
      makers.forEach(({ id }) => authors.add(id));
      unknownHand ||= makers.length === 0;
    }
    unknownHand ||= theirs.length === 0;
  }

  // What we published last, and nothing in between, was pushed by us: then nobody has to be asked.
  const foreignHeads = request.versions.map(({ head }) => head).filter((head) => !ours.has(head));
  const isLast = request.head === undefined || request.head === published.at(-1);
  const heads = new Set([...foreignHeads, ...(isLast ? [] : [request.head ?? ''])]);
  for (const head of heads) {
    const pushers = request.pushes.filter((push) => push.head === head).map(({ by }) => by);
    pushers.forEach((id) => authors.add(id));
    unknownHand ||= pushers.length === 0;
  }
  // A push that left no version behind (two in a moment) still came from somebody.
  for (const { head, by } of request.pushes) {
    if (!ours.has(head)) {
      authors.add(by);
    }
  }
  return { authors, unknownHand, touched: foreign.length > 0 || heads.size > 0 };
}

function isHand(
  { name, username, emails, id }: KnownPerson,
  [handName, handEmail]: readonly [string, string],
): boolean {
  const email = fold(handEmail);
  const [local = ''] = email.split('@');
  return (
    isOneOf(handEmail, emails) ||
    isOneOf(handName, [name, username]) ||
    // GitLab's private addresses: `7-alice@users.noreply.gitlab.example.org`.
    (email.includes('@users.noreply.') &&
      (local === `${id}-${fold(username)}` || local === fold(username)))
  );
}

function isOneOf(word: string, words: readonly string[]): boolean {
  const folded = fold(word);
  return folded !== '' && words.some((one) => fold(one) === folded);
}

function fold(word: string): string {
  return word.normalize('NFKC').trim().toLowerCase();
}
