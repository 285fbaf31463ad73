import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';

import type { Clock } from '../../kernel/clock.ts';
import { AppError } from '../../kernel/errors.ts';
import type { ForgeRepo } from '../forge.ts';
import type { Git, GitPlace } from '../git.ts';
import { placeOf, requireFolders } from './place.ts';
import { sweep } from './sweep.ts';

interface MirrorDeps {
  git: Git;
  clock: Clock;
}

/** Tries of one fetch while another process holds one of the mirror's locks. */
const LOCK_TRIES = 20;
const LOCK_WAIT_MS = 100;

/**
 * Answers a function that brings a repository's branches into a bare mirror. Calls for one mirror run one after
 * the other within this process; between processes git's own locks decide and we try again.
 */
export function createMirrorFetch(
  deps: MirrorDeps,
): (repo: ForgeRepo, mirror: string, signal: AbortSignal) => Promise<void> {
  const chains = new Map<string, Promise<void>>();

  return async (repo, mirror, signal) => {
    const previous = chains.get(mirror) ?? Promise.resolve();
    // The caller before us has its own error; it is not ours.
    const mine = previous.catch(() => {}).then(() => fetchOrRebuild(deps, repo, mirror, signal));
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

async function fetchOrRebuild(
  deps: MirrorDeps,
  repo: ForgeRepo,
  mirror: string,
  signal: AbortSignal,
): Promise<void> {
  if (!existsSync(mirror)) {
    await build(deps, repo, { mirror, replaces: false }, signal);
    return;
  }
  try {
    if (!(await isCurrent(deps.git, repo, mirror, signal))) {
      await fetchInto(deps, repo, mirror, signal);
      await probe(deps.git, repo, mirror, signal);
    }
  } catch (error) {
    // Only a broken mirror is rebuilt: a source that cannot be read would break the next one as well.
    if (!isGitFailure(error) || (await isSound(deps.git, mirror, signal))) {
      throw error;
    }
    await build(deps, repo, { mirror, replaces: true }, signal);
  }
}

/** Builds beside and swaps, so that at the path there is never half a mirror. */
async function build(
  deps: MirrorDeps,
  repo: ForgeRepo,
  { mirror, replaces }: { mirror: string; replaces: boolean },
  signal: AbortSignal,
): Promise<void> {
  await mkdir(dirname(mirror), { recursive: true });
  await sweep(deps, `${mirror}.new-`);
  const fresh = await mkdtemp(`${mirror}.new-`);
  const broken = `${fresh}.old`;
  try {
    const source = placeOf(requireFolders(repo.location));
    const format = await deps.git.text(source, ['rev-parse', '--show-object-format'], signal);
    const kind = [`--object-format=${format}`, `--initial-branch=${repo.branch}`];
    const init = ['init', '--quiet', '--bare', '--template=', ...kind];
    await deps.git.run({ cwd: fresh }, init, signal);
    // Workspaces borrow these objects: what no branch holds any more must stay until nobody uses it.
    await deps.git.run({ cwd: fresh }, ['config', 'gc.auto', '0'], signal);
    await fetchInto(deps, repo, fresh, signal);
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

async function fetchInto(
  { git, clock }: MirrorDeps,
  { location }: ForgeRepo,
  mirror: string,
  signal: AbortSignal,
): Promise<void> {
  const { top, gitDir, commonDir } = requireFolders(location);
  const fetch = [
    'fetch',
    '--quiet',
    '--prune',
    '--no-tags',
    '--no-write-fetch-head',
    '--no-auto-maintenance',
    '--no-recurse-submodules',
    // A repository that was cloned with a depth is mirrored as far as it goes.
    '--update-shallow',
    // Settings of the command line do not reach the serving side, which checks whose repository it is.
    `--upload-pack=git ${[top, gitDir, commonDir].map(safeDirectory).join(' ')} upload-pack`,
    commonDir,
    '+refs/heads/*:refs/heads/*',
  ];
  for (let tries = 1; ; tries += 1) {
    try {
      await git.run(inMirror(mirror), fetch, signal);
      return;
    } catch (error) {
      if (tries === LOCK_TRIES || !isLocked(error)) {
        throw error;
      }
      await clock.sleep(LOCK_WAIT_MS, signal);
    }
  }
}

/**
 * Whether the mirror has the very branches of its source. Asked first, because a fetch that has nothing to bring
 * still starts six processes and takes several times as long as these three, which run at the same time. A history
 * that was cloned with a depth can grow without a branch that moves: that is left to the fetch.
 */
async function isCurrent(
  git: Git,
  repo: ForgeRepo,
  mirror: string,
  signal: AbortSignal,
): Promise<boolean> {
  const folders = requireFolders(repo.location);
  if ([folders.commonDir, mirror].some((each) => existsSync(join(each, 'shallow')))) {
    return false;
  }
  const list = ['for-each-ref', '--format=%(objectname) %(refname)', 'refs/heads'];
  const branch = ['rev-parse', '--quiet', '--verify', `refs/heads/${repo.branch}^{tree}`];
  const [theirs, ours, { code }] = await Promise.all([
    git.text(placeOf(folders), list, signal),
    git.text(inMirror(mirror), list, signal),
    git.run(inMirror(mirror), branch, signal, { answers: [0, 1, 128] }),
  ]);
  return theirs === ours && code === 0;
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

function inMirror(mirror: string): GitPlace {
  return { cwd: mirror, safeDirectories: [mirror] };
}

function safeDirectory(folder: string): string {
  return `-c 'safe.directory=${folder.replaceAll("'", String.raw`'\''`)}'`;
}

function isGitFailure(error: unknown): error is AppError {
  return error instanceof AppError && error.code === 'GIT_FAILED';
}

function isLocked(error: unknown): boolean {
  return isGitFailure(error) && /\.lock': File exists|cannot lock ref/.test(error.message);
}
