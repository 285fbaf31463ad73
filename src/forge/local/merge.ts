import { AppError } from '../../kernel/errors.ts';
import { requireCommitId } from '../commit-id.ts';
import type { ForgeRepo, MergeOutcome } from '../forge.ts';
import type { GitPlace } from '../git.ts';
import { findMergeCommit } from './merge-commit.ts';
import {
  identityEnv,
  mergeCommand,
  mergeInWorkingCopy,
  requireNoOperation,
  type MergeDeps,
  type MergeOptions,
} from './merge-in-working-copy.ts';
import { requireFolders, writerOf } from './place.ts';
import { isAncestor, readRef } from './read.ts';
import { findCheckout } from './worktrees.ts';

/** How often a merge is made anew because the default branch moved meanwhile. */
const TRIES = 5;

/**
 * See Forge.merge. The merge is first made in the object store alone: a conflict is found before any file is
 * touched, and only a clean one goes to a working copy that has the default branch checked out.
 */
export async function merge(
  deps: MergeDeps,
  repo: ForgeRepo,
  options: MergeOptions,
  signal: AbortSignal,
): Promise<MergeOutcome> {
  requireCommitId(options.head);
  const ref = `refs/heads/${repo.branch}`;
  const place = writerOf(requireFolders(repo.location));
  for (let tries = 1; tries <= TRIES; tries += 1) {
    const outcome = await tryMerge(deps, { repo, place, ref, options }, signal);
    if (outcome) {
      return outcome;
    }
  }
  throw new AppError('BRANCH_MOVED', `${repo.branch} moved ${TRIES} times while we merged.`, {
    remedy: 'Try again when it is quiet.',
  });
}

interface Attempt {
  repo: ForgeRepo;
  place: GitPlace;
  ref: string;
  options: MergeOptions;
}

/** Undefined when the default branch moved between reading and writing it. */
async function tryMerge(
  deps: MergeDeps,
  { repo, place, ref, options }: Attempt,
  signal: AbortSignal,
): Promise<MergeOutcome | undefined> {
  const { git } = deps;
  const main = await readRef({ git }, repo, ref, signal);
  if (main === undefined) {
    throw new AppError('SOURCE_UNREADABLE', `${repo.path} has no branch ${repo.branch} any more.`);
  }
  if (await isAncestor({ git }, repo, { ancestor: options.head, descendant: main }, signal)) {
    const { head } = options;
    return { commit: await findMergeCommit({ git }, repo, { head, main }, signal), where: 'refs' };
  }
  const checkout = await findCheckout({ git }, { place, ref }, signal);
  const worktree = checkout?.worktree.path;
  if (worktree !== undefined) {
    requireNoOperation(worktree, checkout?.operation, options);
  }
  const tree = await mergeTree(deps, { repo, place, ref, options }, { main, worktree }, signal);
  return worktree === undefined
    ? mergeInRefs(deps, { repo, place, ref, options }, { main, tree }, signal)
    : mergeInWorkingCopy(deps, { repo, worktree, options }, signal);
}

/** The tree of the merge. CONFLICT names the files. */
async function mergeTree(
  { git }: MergeDeps,
  { repo, place, options }: Attempt,
  { main, worktree }: { main: string; worktree: string | undefined },
  signal: AbortSignal,
): Promise<string> {
  const args = ['merge-tree', '--write-tree', '--name-only', '--no-messages', '-z'];
  const { code, stdout } = await git.run(place, [...args, main, options.head], signal, {
    answers: [0, 1],
  });
  const [tree = '', ...conflicted] = stdout.toString().split('\0');
  if (code === 0) {
    return tree;
  }
  const files = conflicted.filter((file) => file !== '');
  const at = worktree ?? repo.location;
  const steps = worktree === undefined ? `git -C ${at} switch ${repo.branch} && ` : '';
  throw new AppError(
    'CONFLICT',
    `${options.branch} conflicts with ${repo.branch} in ${files.slice(0, 10).join(', ')}.`,
    {
      remedy: `Merge by hand: ${steps}${mergeCommand(at, options)}`,
      details: { files },
    },
  );
}

async function mergeInRefs(
  { git, identity }: MergeDeps,
  { place, ref, options }: Attempt,
  { main, tree }: { main: string; tree: string },
  signal: AbortSignal,
): Promise<MergeOutcome | undefined> {
  const { head, branch, message } = options;
  const commit = await git.text(
    place,
    ['commit-tree', '--no-gpg-sign', '-p', main, '-p', head, '-m', message, tree],
    signal,
    { env: identityEnv(identity) },
  );
  const swap = ['update-ref', '-m', `autodev: merge ${branch}`, ref, commit, main];
  const { code } = await git.run(place, swap, signal, {
    answers: [0, 1, 128],
    env: identityEnv(identity),
  });
  return code === 0 ? { commit, where: 'refs' } : undefined;
}
