import { AppError } from '../../kernel/errors.ts';
import type { ForgeRepo, MergeOutcome } from '../forge.ts';
import type { Git, GitAnswer, GitPlace } from '../git.ts';
import { requireFolders, writerOf } from './place.ts';
import { readRef } from './read.ts';
import type { Operation } from './worktrees.ts';

export interface MergeDeps {
  git: Git;
  /** Author and committer of merge commits. */
  identity: { name: string; email: string };
}

export interface MergeOptions {
  branch: string;
  head: string;
  message: string;
}

const MERGE_MS = 600_000;

/**
 * Merges where a person has the default branch checked out. WORKING_COPY_DIRTY when something there is not
 * committed; a merge that fails is taken back.
 */
export async function mergeInWorkingCopy(
  { git, identity }: MergeDeps,
  { repo, worktree, options }: { repo: ForgeRepo; worktree: string; options: MergeOptions },
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

  const merged = await mergeUninterrupted({ git, identity }, inside, options);
  if (merged.code !== 0) {
    await abortMerge(git, inside, options);
    throw refused(worktree, options, merged);
  }
  const commit = await readRef({ git }, repo, `refs/heads/${repo.branch}`, signal);
  return { commit: commit ?? options.head, where: 'working_copy' };
}

/**
 * Runs to its end also when we are told to stop: half a merge in somebody's working copy is worse than a stop that
 * takes a moment longer.
 */
async function mergeUninterrupted(
  { git, identity }: MergeDeps,
  inside: GitPlace,
  { head, message }: MergeOptions,
): Promise<GitAnswer> {
  const args = ['merge', '--no-ff', '--quiet', '--no-edit', '--commit', '--no-squash', '--no-stat'];
  const plain = ['--no-autostash', '--no-gpg-sign', '--no-verify-signatures', '--no-signoff'];
  const never = new AbortController().signal;
  return git.run(inside, [...args, ...plain, '-m', message, head], never, {
    answers: [0, 1, 2, 128],
    config: ['rerere.enabled=false'],
    env: identityEnv(identity),
    timeoutMs: MERGE_MS,
  });
}

/** Leaves the working copy as it was: takes our merge back, never one that a person began this moment. */
async function abortMerge(git: Git, inside: GitPlace, { head }: MergeOptions): Promise<void> {
  const never = new AbortController().signal;
  const query = ['rev-parse', '--verify', '--quiet', 'MERGE_HEAD'];
  const merging = await git.text(inside, query, never, { answers: [0, 1] });
  if (merging !== head) {
    return;
  }
  const { code } = await git.run(inside, ['merge', '--abort'], never, { answers: [0, 128] });
  if (code !== 0) {
    // Somebody holds the index, so the merge changed nothing, yet git says that it is under way.
    await git.run(inside, ['merge', '--quit'], never);
  }
}

/** WORKING_COPY_DIRTY when a person is in the middle of something there. */
export function requireNoOperation(
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

/** What a person types to do it themselves. */
export function mergeCommand(worktree: string, { branch }: MergeOptions): string {
  return `git -C ${worktree} merge --no-ff ${branch}`;
}

export function identityEnv({
  name,
  email,
}: {
  name: string;
  email: string;
}): Record<string, string> {
  return {
    GIT_AUTHOR_NAME: name,
    GIT_AUTHOR_EMAIL: email,
    GIT_COMMITTER_NAME: name,
    GIT_COMMITTER_EMAIL: email,
  };
}
