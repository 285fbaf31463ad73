import type { Clock } from '../../kernel/clock.ts';
import { AppError } from '../../kernel/errors.ts';
import { requireCommitId } from '../commit-id.ts';
import type { Forge, ForgeRepo } from '../forge.ts';
import type { Git } from '../git.ts';
import { requireOwnBranch } from '../own-branch.ts';
import { createHeadReader } from './heads.ts';
import { merge } from './merge.ts';
import { createLocalMirrorFetch } from './mirror.ts';
import { createObserver } from './observe.ts';
import { requireFolders, writerOf } from './place.ts';
import { publishBranch } from './publish.ts';
import { changedPaths, isAncestor, readCommit, readFile } from './read.ts';
import { inspectRepo, type LocalRegistration } from './register.ts';
import { watchHead } from './watch.ts';
import { workingCopyDiffers } from './working-copy.ts';
import { findCheckout } from './worktrees.ts';

interface LocalForgeDeps {
  git: Git;
  clock: Clock;
  /** See ReceiveDeps. */
  scratch: string;
  /** Default: 256 MiB. */
  maxBundleBytes?: number;
  /** Author and committer of the merges that `approve` makes. */
  identity: { name: string; email: string };
}

/** What only repositories on this machine have. */
export interface LocalForge extends Forge {
  /** Checks a folder before it becomes a row; see `inspectRepo`. */
  inspect(
    options: { path: string; branch: string | undefined },
    signal: AbortSignal,
  ): Promise<LocalRegistration>;
  isAncestor(
    repo: ForgeRepo,
    commits: { ancestor: string; descendant: string },
    signal: AbortSignal,
  ): Promise<boolean>;
  /** Calls `onChange` soon after the default branch may have moved, until `signal` aborts. */
  watch(repo: ForgeRepo, onChange: () => void, signal: AbortSignal): Promise<void>;
  /** Whether the file on disk is another one than the commit's. */
  workingCopyDiffers(
    repo: ForgeRepo,
    at: { commit: string; path: string },
    signal: AbortSignal,
  ): Promise<boolean>;
}

const MAX_BUNDLE_BYTES = 256 * 1024 * 1024;

/** The forge of git repositories on this machine. It keeps caches, so make one per process. */
export function createLocalForge({
  git,
  clock,
  scratch,
  maxBundleBytes = MAX_BUNDLE_BYTES,
  identity,
}: LocalForgeDeps): LocalForge {
  return {
    inspect: (options, signal) => inspectRepo({ git }, options, signal),
    readHeads: createHeadReader({ git }),
    readFile: (repo, at, signal) => readFile({ git }, repo, at, signal),
    readCommit: (repo, commit, signal) => readCommit({ git }, repo, commit, signal),
    changedPaths: (repo, range, signal) => changedPaths({ git }, repo, range, signal),
    isAncestor: (repo, commits, signal) => isAncestor({ git }, repo, commits, signal),
    fetchMirror: createLocalMirrorFetch({ git, clock }),
    publishBranch: (repo, options, signal) =>
      publishBranch({ git, clock, scratch, maxBundleBytes }, repo, options, signal),
    observeBranch: createObserver({ git }),
    merge: (repo, options, signal) => merge({ git, identity }, repo, options, signal),
    deleteBranch: (repo, options, signal) => deleteBranch(git, repo, options, signal),
    watch: (repo, onChange, signal) => watchHead({ clock }, repo, onChange, signal),
    workingCopyDiffers: (repo, at, signal) => workingCopyDiffers({ git }, repo, at, signal),
  };
}

async function deleteBranch(
  git: Git,
  repo: ForgeRepo,
  { branch, head }: { branch: string; head: string },
  signal: AbortSignal,
): Promise<void> {
  requireOwnBranch(branch);
  requireCommitId(head);
  const place = writerOf(requireFolders(repo.location));
  const ref = `refs/heads/${branch}`;
  // Without its branch a working copy would stand on nothing.
  if (await findCheckout({ git }, { place, ref }, signal)) {
    return;
  }
  try {
    await git.run(place, ['update-ref', '--no-deref', '-d', ref, head], signal);
  } catch (error) {
    const moved = /but expected|unable to resolve reference/;
    if (!(error instanceof AppError) || !moved.test(error.message)) {
      throw error;
    }
  }
}
