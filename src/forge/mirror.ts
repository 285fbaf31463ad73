import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';

import type { Clock } from '../kernel/clock.ts';
import { AppError } from '../kernel/errors.ts';
import type { ForgeRepo } from './forge.ts';
import type { Git, GitPlace } from './git.ts';
import { sweep } from './sweep.ts';

/** Where a mirror's branches come from. Failures of git itself are GIT_FAILED; a source that is away has codes of its own. */
export interface MirrorSource {
  /** `sha1` or `sha256`. */
  objectFormat(repo: ForgeRepo, signal: AbortSignal): Promise<string>;
  /** Whether the mirror has the very branches of the source. False where asking costs as much as fetching. */
  isCurrent(repo: ForgeRepo, mirror: string, signal: AbortSignal): Promise<boolean>;
  /** Brings all branches, and drops those that are gone there. */
  fetch(repo: ForgeRepo, mirror: string, signal: AbortSignal): Promise<void>;
}

interface MirrorDeps {
  git: Git;
  clock: Clock;
}

export type FetchMirror = (repo: ForgeRepo, mirror: string, signal: AbortSignal) => Promise<void>;

/** Tries of one fetch while another process holds one of the mirror's locks. */
const LOCK_TRIES = 20;
const LOCK_WAIT_MS = 100;

/** What every fetch into a mirror says, before the source and the refs. */
export const FETCH = [
  'fetch',
  '--quiet',
  '--prune',
  '--no-tags',
  '--no-write-fetch-head',
  '--no-auto-maintenance',
  '--no-recurse-submodules',
] as const;
export const ALL_BRANCHES = '+refs/heads/*:refs/heads/*';

/**
 * Answers a function that brings a repository's branches into a bare mirror. Calls for one mirror run one after
 * the other within this process; between processes git's own locks decide and we try again.
 */
export function createMirrorFetch(deps: MirrorDeps, source: MirrorSource): FetchMirror {
  const chains = new Map<string, Promise<void>>();

  return async (repo, mirror, signal) => {
    const previous = chains.get(mirror) ?? Promise.resolve();
    // The caller before us has its own error; it is not ours.
    const mine = previous
      .catch(() => {})
      .then(() => fetchOrRebuild(deps, source, { repo, mirror }, signal));
    chains.set(mirror, mine);
    try {
      await mine;
    } finally {
      if (chains.get(mirror) === mine) {
        chains.delete(mirror);
      }
    }
  };
}

export function inMirror(mirror: string): GitPlace {
  return { cwd: mirror, safeDirectories: [mirror] };
}

interface Target {
  repo: ForgeRepo;
  mirror: string;
}

async function fetchOrRebuild(
  deps: MirrorDeps,
  source: MirrorSource,
  { repo, mirror }: Target,
  signal: AbortSignal,
): Promise<void> {
  if (!existsSync(mirror)) {
    await build(deps, source, { repo, mirror, replaces: false }, signal);
    return;
  }
  try {
    if (!(await source.isCurrent(repo, mirror, signal))) {
      await fetchUnlocked(deps, source, { repo, mirror }, signal);
      await probe(deps.git, repo, mirror, signal);
    }
  } catch (error) {
    // Only a broken mirror is rebuilt: a source that cannot be read would break the next one as well.
    if (!isGitFailure(error) || (await isSound(deps.git, mirror, signal))) {
      throw error;
    }
    await build(deps, source, { repo, mirror, replaces: true }, signal);
  }
}

/** Builds beside and swaps, so that at the path there is never half a mirror. */
async function build(
  deps: MirrorDeps,
  source: MirrorSource,
  { repo, mirror, replaces }: Target & { replaces: boolean },
  signal: AbortSignal,
): Promise<void> {
  await mkdir(dirname(mirror), { recursive: true });
  await sweep(deps, `${mirror}.new-`);
  const fresh = await mkdtemp(`${mirror}.new-`);
  const broken = `${fresh}.old`;
  try {
    const format = await source.objectFormat(repo, signal);
    const kind = [`--object-format=${format}`, `--initial-branch=${repo.branch}`];
    const init = ['init', '--quiet', '--bare', '--template=', ...kind];
    await deps.git.run({ cwd: fresh }, init, signal);
    // Workspaces borrow these objects: what no branch holds any more must stay until nobody uses it.
    await deps.git.run({ cwd: fresh }, ['config', 'gc.auto', '0'], signal);
    await fetchUnlocked(deps, source, { repo, mirror: fresh }, signal);
    if (replaces) {
      await moveAway(mirror, broken);
    }
    await swapIn(fresh, mirror);
  } finally {
    await rm(fresh, { recursive: true, force: true });
    await rm(broken, { recursive: true, force: true });
  }
}

async function moveAway(mirror: string, broken: string): Promise<void> {
  try {
    await rename(mirror, broken);
  } catch (error) {
    // Moved away by another process just now.
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) {
      throw error;
    }
  }
}

async function swapIn(fresh: string, mirror: string): Promise<void> {
  try {
    await rename(fresh, mirror);
  } catch (error) {
    // Another process was faster; its mirror is as good as ours.
    if (!existsSync(join(mirror, 'HEAD'))) {
      throw error;
    }
  }
}

async function fetchUnlocked(
  { clock }: MirrorDeps,
  source: MirrorSource,
  { repo, mirror }: Target,
  signal: AbortSignal,
): Promise<void> {
  for (let tries = 1; ; tries += 1) {
    try {
      await source.fetch(repo, mirror, signal);
      return;
    } catch (error) {
      if (tries === LOCK_TRIES || !isLocked(error)) {
        throw error;
      }
      await clock.sleep(LOCK_WAIT_MS, signal);
    }
  }
}

/** A fetch that has nothing to bring does not look at the objects; this looks at those that are needed first. */
async function probe(
  git: Git,
  { branch }: ForgeRepo,
  mirror: string,
  signal: AbortSignal,
): Promise<void> {
  await git.run(inMirror(mirror), ['ls-tree', `refs/heads/${branch}`], signal);
}

async function isSound(git: Git, mirror: string, signal: AbortSignal): Promise<boolean> {
  try {
    await git.run(inMirror(mirror), ['fsck', '--connectivity-only', '--no-dangling'], signal, {
      timeoutMs: 600_000,
    });
    return true;
  } catch (error) {
    if (isGitFailure(error)) {
      return false;
    }
    throw error;
  }
}

function isGitFailure(error: unknown): error is AppError {
  return error instanceof AppError && error.code === 'GIT_FAILED';
}

function isLocked(error: unknown): boolean {
  return isGitFailure(error) && /\.lock': File exists|cannot lock ref/.test(error.message);
}
