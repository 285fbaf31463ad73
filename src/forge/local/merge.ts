import { AppError } from '../../kernel/errors.ts';
import { requireCommitId } from '../commit-id.ts';
import type { ForgeRepo, MergeOutcome } from '../forge.ts';
import type { Git, GitAnswer, GitPlace } from '../git.ts';
import { findMergeCommit } from './merge-commit.ts';
import { requireFolders, writerOf } from './place.ts';
import { isAncestor, readRef } from './read.ts';
import { findCheckout, type Operation } from './worktrees.ts';

export interface MergeDeps {
  git: Git;
  /** Author and committer of merge commits. */
  identity: { name: string; email: string };
}

interface MergeOptions {
  branch: string;
  head: string;
  message: string;
}

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
    : mergeInWorkingCopy(deps, { repo, place, ref, options }, worktree, signal);
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

async function mergeInWorkingCopy(
  { git, identity }: MergeDeps,
  { repo, ref, options }: Attempt,
  worktree: string,
  signal: AbortSignal,
): Promise<MergeOutcome> {
  const inside = writerOf(requireFolders(repo.location), worktree);
  const status = [
    'status',
    '--porcelain',
    '-z',
    '--untracked-files=no',
    '--ignore-submodules=dirty',
  ];
  const changed = await git.text(inside, status, signal);
  if (changed !== '') {
    throw dirty(worktree, options, 'has changes that are not committed');
  }

  const args = ['merge', '--no-ff', '--quiet', '--no-edit', '--commit', '--no-squash', '--no-stat'];
  const plain = ['--no-autostash', '--no-gpg-sign', '--no-verify-signatures', '--no-signoff'];
  const merged = await git.run(
    inside,
    [...args, ...plain, '-m', options.message, options.head],
    signal,
    {
      answers: [0, 1, 2, 128],
      config: ['rerere.enabled=false'],
      env: identityEnv(identity),
    },
  );
  if (merged.code !== 0) {
    await abortMerge(git, inside);
    throw refused(worktree, options, merged);
  }
  const commit = await readRef({ git }, repo, ref, signal);
  return { commit: commit ?? options.head, where: 'working_copy' };
}

/** Leaves the working copy as it was, also when we are told to stop. */
async function abortMerge(git: Git, inside: GitPlace): Promise<void> {
  await git.run(inside, ['merge', '--abort'], new AbortController().signal, {
    // 128: the merge did not even begin.
    answers: [0, 128],
  });
}

function requireNoOperation(
  worktree: string,
  operation: Operation | undefined,
  options: MergeOptions,
): void {
  if (operation === 'bisect') {
    throw dirty(worktree, options, 'has a bisect under way', `git -C ${worktree} bisect reset`);
  }
  if (operation !== undefined) {
    const end = `git -C ${worktree} ${operation} --continue  (or --abort)`;
    throw dirty(worktree, options, `has a ${operation} under way`, end);
  }
}

function dirty(
  worktree: string,
  options: MergeOptions,
  why: string,
  first = `git -C ${worktree} stash`,
): AppError {
  return new AppError('WORKING_COPY_DIRTY', `${worktree} ${why}, so nothing was merged there.`, {
    remedy: `First: ${first}\nThen approve again, or: ${mergeCommand(worktree, options)}`,
    details: { worktree },
  });
}

function refused(worktree: string, options: MergeOptions, { stderr }: GitAnswer): AppError {
  if (/untracked working tree files|local changes/i.test(stderr)) {
    return dirty(
      worktree,
      options,
      `holds files that the merge would overwrite (${stderr.trim()})`,
    );
  }
  if (/\.lock': File exists|Unable to write index/.test(stderr)) {
    return new AppError('BUSY', `Another git process works in ${worktree}.`, {
      remedy: 'Approve again when it is done, or remove a lock file that was left behind.',
    });
  }
  return new AppError('CONFLICT', `git merge failed in ${worktree}: ${stderr.trim()}`, {
    remedy: `Merge by hand: ${mergeCommand(worktree, options)}`,
  });
}

function mergeCommand(worktree: string, { branch }: MergeOptions): string {
  return `git -C ${worktree} merge --no-ff ${branch}`;
}

function identityEnv({ name, email }: { name: string; email: string }): Record<string, string> {
  return {
    GIT_AUTHOR_NAME: name,
    GIT_AUTHOR_EMAIL: email,
    GIT_COMMITTER_NAME: name,
    GIT_COMMITTER_EMAIL: email,
  };
}
