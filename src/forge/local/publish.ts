import { createWriteStream, existsSync } from 'node:fs';
import { chown, copyFile, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Transform, type Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';

import type { Clock } from '../../kernel/clock.ts';
import { AppError } from '../../kernel/errors.ts';
import { requireCommitId } from '../commit-id.ts';
import type { ForgeRepo, PublishedBranch } from '../forge.ts';
import type { Git, GitPlace } from '../git.ts';
import { requireFolders, writerOf, type RepoFolders } from './place.ts';
import { readRef } from './read.ts';
import { sweep } from './sweep.ts';
import { findCheckout } from './worktrees.ts';

export interface PublishDeps {
  git: Git;
  clock: Clock;
  /** A folder for quarantines that every owner of a repository can enter, such as the system's temporary one. */
  scratch: string;
  /** A larger bundle is TOO_LARGE. */
  maxBundleBytes: number;
}

interface PublishOptions {
  branch: string;
  bundle: Readable;
  head: string;
  expected: string | undefined;
}

/** How many names are tried when ours are checked out. */
const NAMES = 9;

/** See Forge.publishBranch. Writes objects and one ref below `refs/heads/autodev/`, nothing else. */
export async function publishBranch(
  deps: PublishDeps,
  repo: ForgeRepo,
  options: PublishOptions,
  signal: AbortSignal,
): Promise<PublishedBranch> {
  try {
    return await publish(deps, repo, options, signal);
  } finally {
    // Also when it was not needed or not read to its end: whoever feeds it can stop.
    options.bundle.destroy();
  }
}

async function publish(
  deps: PublishDeps,
  repo: ForgeRepo,
  { branch, bundle, head, expected }: PublishOptions,
  signal: AbortSignal,
): Promise<PublishedBranch> {
  const { git, clock, scratch } = deps;
  requireOwnBranch(branch);
  requireCommitId(head);
  const folders = requireFolders(repo.location);
  const place = writerOf(folders);
  const target = await freeName(deps, repo, { branch, head, expected }, signal);
  if (target.head === head) {
    return { branch: target.name, head, note: target.note };
  }

  const prefix = join(scratch, 'autodev-publish-');
  await sweep({ clock }, prefix);
  const quarantine = await mkdtemp(prefix);
  try {
    await receive(deps, { quarantine, folders, place, bundle, head }, signal);
    await bringIn(git, { place, quarantine }, signal);
    await moveRef(git, place, { name: target.name, head, old: target.head }, signal);
  } finally {
    await rm(quarantine, { recursive: true, force: true });
  }
  return { branch: target.name, head, note: target.note };
}

/** Refuses every name but a plain one below `autodev/`. */
export function requireOwnBranch(branch: string): void {
  const plain = /^autodev\/[A-Za-z0-9][\w.+-]*(\/[A-Za-z0-9][\w.+-]*)*$/;
  if (!plain.test(branch) || /\.\.|\.lock(\/|$)|\.(\/|$)/.test(branch)) {
    throw new AppError('INVALID_REQUEST', `${branch} is not a branch name below autodev/.`);
  }
}

const QUIET_REFS = ['core.logAllRefUpdates=false'];

async function freeName(
  { git }: PublishDeps,
  repo: ForgeRepo,
  { branch, head, expected }: { branch: string; head: string; expected: string | undefined },
  signal: AbortSignal,
): Promise<{ name: string; head: string | undefined; note: string | undefined }> {
  const place = writerOf(requireFolders(repo.location));
  let note: string | undefined;
  for (let n = 1; n <= NAMES; n += 1) {
    const name = n === 1 ? branch : `${branch}-${n}`;
    const ref = `refs/heads/${name}`;
    const there = await readRef({ git }, repo, ref, signal);
    if (n === 1 && expected !== undefined && there !== expected && there !== head) {
      throw moved(name, there, expected);
    }
    const checkout =
      there === head ? undefined : await findCheckout({ git }, { place, ref }, signal);
    if (checkout) {
      note ??= `${name} is checked out in ${checkout.worktree.path}, so the work is on another branch.`;
    } else if (there === head || there === expected || (n > 1 && there === undefined)) {
      return { name, head: there, note };
    } else if (n === 1) {
      throw moved(name, there, expected);
    }
  }
  throw new AppError('CONFLICT', `${branch} and ${NAMES - 1} names after it are all taken.`, {
    remedy: 'Check out another branch in those worktrees, or delete the old ones.',
  });
}

/** Unpacks the bundle in a bare repository of its own that borrows the target's objects. */
async function receive(
  { git, maxBundleBytes }: PublishDeps,
  {
    quarantine,
    folders,
    place,
    bundle,
    head,
  }: {
    quarantine: string;
    folders: RepoFolders;
    place: GitPlace;
    bundle: Readable;
    head: string;
  },
  signal: AbortSignal,
): Promise<void> {
  const inside: GitPlace = { ...place, cwd: quarantine, safeDirectories: [quarantine] };
  const file = join(quarantine, 'bundle');
  await pipeline(bundle, limit(maxBundleBytes), createWriteStream(file), { signal });
  if (place.as) {
    await chown(quarantine, place.as.uid, place.as.gid);
    await chown(file, place.as.uid, place.as.gid);
  }
  const format = head.length === 64 ? ['--object-format=sha256'] : [];
  await git.run(inside, ['init', '--quiet', '--bare', '--template=', ...format], signal);
  const alternates = join(quarantine, 'objects', 'info', 'alternates');
  await writeFile(alternates, `${join(folders.commonDir, 'objects')}\n`);
  const shallow = join(folders.commonDir, 'shallow');
  if (existsSync(shallow)) {
    await copyFile(shallow, join(quarantine, 'shallow'));
  }
  try {
    await git.run(inside, ['bundle', 'unbundle', file], signal);
    await git.run(inside, ['update-ref', 'refs/heads/incoming', head], signal);
  } catch (cause) {
    throw new AppError('PATCH_REFUSED', `The bundle does not bring ${head}.`, { cause });
  }
}

/**
 * Brings the quarantined commit into the target and checks every object on its way: unpacking checks none. No ref
 * is made yet; git keeps objects without one for two weeks, and ours gets its ref in the next step.
 */
async function bringIn(
  git: Git,
  { place, quarantine }: { place: GitPlace; quarantine: string },
  signal: AbortSignal,
): Promise<void> {
  const plain = ['--no-auto-maintenance', '--no-recurse-submodules'];
  try {
    await git.run(
      place,
      [
        'fetch',
        '--quiet',
        '--no-tags',
        '--no-write-fetch-head',
        ...plain,
        quarantine,
        'refs/heads/incoming',
      ],
      signal,
      { config: ['fetch.fsckObjects=true', ...QUIET_REFS] },
    );
  } catch (error) {
    const fault = /error: object [0-9a-f]+: (.*)/;
    const found = error instanceof AppError ? fault.exec(error.message) : null;
    if (!found) {
      throw error;
    }
    throw new AppError('PATCH_REFUSED', `The commit holds what git refuses: ${found[1]}`, {
      cause: error,
    });
  }
}

/** Compare and swap: the ref moves only from what was read. */
async function moveRef(
  git: Git,
  place: GitPlace,
  { name, head, old }: { name: string; head: string; old: string | undefined },
  signal: AbortSignal,
): Promise<void> {
  try {
    const move = ['update-ref', `refs/heads/${name}`, head, old ?? '0'.repeat(head.length)];
    await git.run(place, move, signal, { config: QUIET_REFS });
  } catch (error) {
    if (!(error instanceof AppError) || error.code !== 'GIT_FAILED') {
      throw error;
    }
    if (/'refs\/heads\/.*' exists; cannot create/.test(error.message)) {
      throw new AppError('CONFLICT', `${name} cannot be made: a branch of yours is in its way.`, {
        cause: error,
        remedy: 'Rename the branch: git branch -m autodev autodev-mine',
      });
    }
    throw moved(name, undefined, old, error);
  }
}

function moved(
  name: string,
  there: string | undefined,
  expected: string | undefined,
  cause?: unknown,
): AppError {
  return new AppError(
    'BRANCH_MOVED',
    `${name} is at ${there ?? 'another commit'}, not at ${expected ?? 'nothing'}.`,
    { cause, remedy: 'Somebody pushed to it: their commits stay, and the work is tried again.' },
  );
}

function limit(maxBytes: number): Transform {
  let left = maxBytes;
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      left -= chunk.length;
      done(
        left < 0 ? new AppError('TOO_LARGE', `The work is larger than ${maxBytes} bytes.`) : null,
        chunk,
      );
    },
  });
}
