import { AppError } from '../../kernel/errors.ts';
import { requireCommitId } from '../commit-id.ts';
import type { BranchOutcome, ForgeRepo } from '../forge.ts';
import type { Git } from '../git.ts';
import { findMergeCommit } from './merge-commit.ts';
import { patchIds, rangePatchId } from './patch-ids.ts';
import { placeOf, requireFolders } from './place.ts';
import { isAncestor, readRef } from './read.ts';

interface ObserveOptions {
  branch: string;
  base: string;
  head: string;
}

/** Commits of the default branch that are compared; a squash further back is not seen. */
const MAX_COMMITS = 1_000;
/** Branches whose last answer is kept; an answer holds while neither branch moves. */
const MAX_KEPT = 5_000;

/**
 * Answers a function that tells what became of a branch. Merged is never guessed: the published head (or what a
 * person made of it) is in the default branch, or exactly its change is.
 */
export function createObserver({
  git,
}: {
  git: Git;
}): (repo: ForgeRepo, options: ObserveOptions, signal: AbortSignal) => Promise<BranchOutcome> {
  const kept = new Map<string, BranchOutcome>();

  return async (repo, { branch, base, head }, signal) => {
    requireCommitId(base);
    requireCommitId(head);
    const [current, main] = await Promise.all([
      readRef({ git }, repo, `refs/heads/${branch}`, signal),
      readRef({ git }, repo, `refs/heads/${repo.branch}`, signal),
    ]);
    if (main === undefined) {
      throw new AppError(
        'SOURCE_UNREADABLE',
        `${repo.path} has no branch ${repo.branch} any more.`,
        {
          remedy: `Bring it back, or register the repository again with --branch NAME.`,
        },
      );
    }
    const key = [repo.location, branch, base, head, current, main].join('\0');
    const known = kept.get(key);
    if (known) {
      return known;
    }
    const outcome = await decide(git, repo, { base, head, current, main }, signal);
    const [oldest] = kept.keys();
    if (kept.size >= MAX_KEPT && oldest !== undefined) {
      kept.delete(oldest);
    }
    kept.set(key, outcome);
    return outcome;
  };
}

async function decide(
  git: Git,
  repo: ForgeRepo,
  heads: { base: string; head: string; current: string | undefined; main: string },
  signal: AbortSignal,
): Promise<BranchOutcome> {
  const { base, head, current, main } = heads;
  // Commits that are gone for good (deleted and pruned) cannot be part of the default branch.
  if (head !== base && main !== base && (await readRef({ git }, repo, head, signal))) {
    if (await isAncestor({ git }, repo, { ancestor: head, descendant: main }, signal)) {
      const commit = await findMergeCommit({ git }, repo, { head, main }, signal);
      return { state: 'merged', commit, by: 'ancestor' };
    }
    const tips = current === undefined || current === head ? [head] : [head, current];
    for (const tip of tips) {
      const commit = await findSamePatch(git, repo, { tip, main }, signal);
      if (commit !== undefined) {
        return { state: 'merged', commit, by: 'squash' };
      }
    }
  }
  return current === undefined ? { state: 'closed' } : { state: 'open', head: current };
}

/** The commit of the default branch that carries the whole change of the branch, or the last of those that do. */
async function findSamePatch(
  git: Git,
  repo: ForgeRepo,
  { tip, main }: { tip: string; main: string },
  signal: AbortSignal,
): Promise<string | undefined> {
  const place = placeOf(requireFolders(repo.location));
  const fork = await git.text(place, ['merge-base', main, tip], signal, { answers: [0, 1] });
  if (fork === '' || fork === tip) {
    return undefined;
  }
  const whole = await rangePatchId({ git }, { place, from: fork, to: tip }, signal);
  if (whole === undefined) {
    return undefined;
  }
  const range = [main, `^${fork}`];
  const merged = await patchIds({ git }, { place, range, maxCommits: MAX_COMMITS }, signal);
  const squashed = merged.get(whole);
  if (squashed !== undefined) {
    return squashed;
  }
  // A rebase merge brings the commits one by one.
  const own = await patchIds(
    { git },
    { place, range: [tip, `^${fork}`], maxCommits: MAX_COMMITS },
    signal,
  );
  const commits = [...own.keys()].map((id) => merged.get(id));
  return commits.length > 0 && commits.every((commit) => commit !== undefined)
    ? commits[0]
    : undefined;
}
