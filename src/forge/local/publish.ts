import type { Readable } from 'node:stream';

import { AppError } from '../../kernel/errors.ts';
import { requireCommitId } from '../commit-id.ts';
import type { ForgeRepo, PublishedBranch } from '../forge.ts';
import type { Git, GitPlace } from '../git.ts';
import { branchMoved, requireOwnBranch } from '../own-branch.ts';
import { QUIET_REFS, receiveBundle, type ReceiveDeps } from '../receive-bundle.ts';
import { requireFolders, writerOf } from './place.ts';
import { readRef } from './read.ts';
import { findCheckout } from './worktrees.ts';

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
  deps: ReceiveDeps,
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
  deps: ReceiveDeps,
  repo: ForgeRepo,
  { branch, bundle, head, expected }: PublishOptions,
  signal: AbortSignal,
): Promise<PublishedBranch> {
  const { git } = deps;
  requireOwnBranch(branch);
  requireCommitId(head);
  const folders = requireFolders(repo.location);
  const place = writerOf(folders);
  const target = await freeName(deps, repo, { branch, head, expected }, signal);
  if (target.head === head) {
    return { branch: target.name, head, note: target.note };
  }

  await receiveBundle(deps, { place, objects: folders.commonDir, bundle, head }, signal);
  await moveRef(git, place, { name: target.name, head, old: target.head }, signal);
  return { branch: target.name, head, note: target.note };
}

async function freeName(
  { git }: ReceiveDeps,
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
      throw branchMoved(name, there, expected);
    }
    const checkout =
      there === head ? undefined : await findCheckout({ git }, { place, ref }, signal);
    if (checkout) {
      note ??= `${name} is checked out in ${checkout.worktree.path}, so the work is on another branch.`;
    } else if (there === head || there === expected || (n > 1 && there === undefined)) {
      return { name, head: there, note };
    } else if (n === 1) {
      throw branchMoved(name, there, expected);
    }
  }
  throw new AppError('CONFLICT', `${branch} and ${NAMES - 1} names after it are all taken.`, {
    remedy: 'Check out another branch in those worktrees, or delete the old ones.',
  });
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
    throw branchMoved(name, undefined, old, error);
  }
}
