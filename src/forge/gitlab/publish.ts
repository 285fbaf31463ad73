import { join } from 'node:path';
import type { Readable } from 'node:stream';

import { AppError } from '../../kernel/errors.ts';
import { requireCommitId } from '../commit-id.ts';
import type { ForgeRepo, PublishedBranch } from '../forge.ts';
import { inMirror, type FetchMirror } from '../mirror.ts';
import { branchMoved, requireOwnBranch } from '../own-branch.ts';
import { receiveBundle, type ReceiveDeps } from '../receive-bundle.ts';
import type { GitAccess } from './git-access.ts';

export interface PublishDeps extends ReceiveDeps {
  access: GitAccess;
  fetchMirror: FetchMirror;
  /** A folder of ours for the mirrors that branches are pushed from. */
  mirrors: string;
}

/** See Forge.publishBranch. Pushes one ref below `refs/heads/autodev/`, and only from what it was seen at. */
export async function publishBranch(
  deps: PublishDeps,
  repo: ForgeRepo,
  options: { branch: string; bundle: Readable; head: string; expected: string | undefined },
  signal: AbortSignal,
): Promise<PublishedBranch> {
  const { branch, bundle, head, expected } = options;
  try {
    requireOwnBranch(branch);
    requireCommitId(head);
    const mirror = await freshMirror(deps, repo, signal);
    const there = await headIn(deps, mirror, branch, signal);
    if (there !== head) {
      if (there !== expected) {
        throw branchMoved(branch, there, expected);
      }
      const place = inMirror(mirror);
      await receiveBundle(deps, { place, objects: mirror, bundle, head }, signal);
      await push(deps, repo, { mirror, branch, to: head, from: there }, signal);
    }
    return { branch, head, note: undefined };
  } finally {
    // Also when it was not needed or not read to its end: whoever feeds it can stop.
    bundle.destroy();
  }
}

/** See Forge.deleteBranch. */
export async function deleteBranch(
  deps: PublishDeps,
  repo: ForgeRepo,
  { branch, head }: { branch: string; head: string },
  signal: AbortSignal,
): Promise<void> {
  requireOwnBranch(branch);
  requireCommitId(head);
  const mirror = await freshMirror(deps, repo, signal);
  if ((await headIn(deps, mirror, branch, signal)) !== head) {
    return;
  }
  try {
    await push(deps, repo, { mirror, branch, to: undefined, from: head }, signal);
  } catch (error) {
    // It moved or went since we looked: then it is not ours to delete.
    if (!(error instanceof AppError) || error.code !== 'BRANCH_MOVED') {
      throw error;
    }
  }
}

async function freshMirror(
  { fetchMirror, mirrors }: PublishDeps,
  repo: ForgeRepo,
  signal: AbortSignal,
): Promise<string> {
  const mirror = join(mirrors, `${repo.location}.git`);
  await fetchMirror(repo, mirror, signal);
  return mirror;
}

async function headIn(
  { git }: PublishDeps,
  mirror: string,
  branch: string,
  signal: AbortSignal,
): Promise<string | undefined> {
  const query = ['rev-parse', '--quiet', '--verify', `refs/heads/${branch}`];
  const { stdout } = await git.run(inMirror(mirror), query, signal, { answers: [0, 1] });
  return stdout.toString().trim() || undefined;
}

/** Compare and swap on the server. The lease is empty for a branch that must not exist. */
async function push(
  { access }: PublishDeps,
  repo: ForgeRepo,
  {
    mirror,
    branch,
    to,
    from,
  }: { mirror: string; branch: string; to: string | undefined; from: string | undefined },
  signal: AbortSignal,
): Promise<void> {
  const ref = `refs/heads/${branch}`;
  const args = (url: string) => [
    'push',
    '--quiet',
    '--no-verify',
    '--no-signed',
    '--recurse-submodules=no',
    `--force-with-lease=${ref}:${from ?? ''}`,
    url,
    // Without a plus, which would override the lease.
    `${to ?? ''}:${ref}`,
  ];
  try {
    await access.run(repo, inMirror(mirror), args, signal);
  } catch (error) {
    if (!(error instanceof AppError) || error.code !== 'GIT_FAILED') {
      throw error;
    }
    const said = error.message;
    if (/stale info|fetch first|reference already exists|cannot lock ref|remote ref/i.test(said)) {
      throw branchMoved(branch, undefined, from, error);
    }
    if (/remote rejected|pre-receive hook declined|protected branch/i.test(said)) {
      throw new AppError(
        'FORGE_REFUSED',
        `GitLab refused the push to ${branch}: ${error.message}`,
        {
          cause: error,
          remedy: 'Allow our account to push to branches below autodev/ in the push rules.',
        },
      );
    }
    throw error;
  }
}
