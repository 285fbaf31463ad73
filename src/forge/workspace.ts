import { chown, mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

import { AppError } from '../kernel/errors.ts';
import { createBorrowingRepository } from './borrowing-repository.ts';
import { requireCommitId } from './commit-id.ts';
import type { Git, GitPlace } from './git.ts';

export interface WorkspaceOptions {
  /** The bare mirror; its objects are borrowed, so it must stay where it is while the workspace lives. */
  readonly mirror: string;
  /** Must not exist yet, or be empty. */
  readonly folder: string;
  readonly commit: string;
  /** The new branch to stand on; undefined leaves HEAD detached. */
  readonly branch: string | undefined;
  /** Of `info/attributes`, which wins over every `.gitattributes`: how files are checked out. */
  readonly attributes?: string;
  /** Files that come from another commit (the default branch's instructions); each differs between the two. */
  readonly overlay?: { readonly commit: string; readonly paths: readonly string[] };
  /** Whose the workspace becomes. Only root may name another, who must be able to read the mirror. */
  readonly owner?: GitPlace['as'];
  /** Brings a commit that the mirror does not have into the workspace's own git folder, before it is checked out. */
  readonly bring?: (repository: string) => Promise<void>;
}

/** Settings that stay in the workspace, for the processes that work in it later. */
const KEPT = [
  'core.bare=false',
  'core.fileMode=true',
  'core.hooksPath=/dev/null',
  'core.fsmonitor=false',
  'core.logAllRefUpdates=false',
  'gc.auto=0',
  'maintenance.auto=false',
  'submodule.recurse=false',
] as const;

/**
 * Inflating is what a checkout costs, and one process does it on one core: with 4,000 files of 47 MB, two on two cores
 * take 0.65 of the time of one, and four the same as two.
 */
const CHECKOUT = ['checkout.workers=4'];

/**
 * Makes a working tree of one commit that shares the mirror's objects: no hook, no filter (large files stay
 * pointers), no submodule, no credential, no remote; the mirror's branches are there as `origin/…`. Once a worker was
 * in it, no git outside the sandbox may run there: its settings are the worker's then.
 *
 * Two processes of git in all. The files are written by their owner: changing it afterwards is a walk, and makes git
 * read every file again the first time that it is asked what changed.
 */
export async function createWorkspace(
  { git }: { git: Git },
  options: WorkspaceOptions,
  signal: AbortSignal,
): Promise<void> {
  const { mirror, folder, commit, branch, attributes, overlay, owner, bring } = options;
  requireCommitId(commit);
  requireBranchName(branch);
  const repository = join(folder, '.git');
  const inside: GitPlace = { cwd: folder, safeDirectories: [mirror, folder], as: owner };
  try {
    await mkdir(folder, { recursive: true });
    const head = branch === undefined ? commit : `ref: refs/heads/${branch}`;
    const [branches] = await Promise.all([
      readBranches(git, mirror, signal),
      createBorrowingRepository(repository, { mirror, commit, settings: KEPT, head }),
    ]);
    await writeFile(join(repository, 'packed-refs'), branches);
    if (attributes !== undefined) {
      await writeFile(join(repository, 'info', 'attributes'), attributes);
    }
    await bring?.(repository);
    if (branch !== undefined) {
      const ref = join(repository, 'refs', 'heads', branch);
      await mkdir(dirname(ref), { recursive: true });
      await writeFile(ref, `${commit}\n`);
    }
    if (owner !== undefined) {
      await give(folder, owner);
    }
    const config = CHECKOUT;
    await git.run(inside, ['read-tree', '--reset', '-u', commit], signal, { config });
    if (overlay && overlay.commit !== commit && overlay.paths.length > 0) {
      requireCommitId(overlay.commit);
      const restore = ['restore', '--quiet', '--staged', '--worktree', '--source', overlay.commit];
      await git.run(inside, [...restore, '--', ...overlay.paths], signal);
    }
  } catch (error) {
    await rm(folder, { recursive: true, force: true });
    throw error;
  }
}

/** The mirror's branches as lines of a `packed-refs` that calls them `origin/…`. */
async function readBranches(git: Git, mirror: string, signal: AbortSignal): Promise<Buffer> {
  const format = '--format=%(objectname) refs/remotes/origin/%(refname:lstrip=2)';
  const place = { cwd: mirror, safeDirectories: [mirror] };
  const { stdout } = await git.run(place, ['for-each-ref', format, 'refs/heads'], signal);
  return stdout;
}

/** The few files and folders that are there before the checkout. */
async function give(folder: string, owner: { uid: number; gid: number }): Promise<void> {
  const made = await readdir(folder, { recursive: true });
  for (const each of ['.', ...made]) {
    await chown(join(folder, each), owner.uid, owner.gid);
  }
}

/** The name becomes a path, so nothing may pass that git itself would not take for a branch. */
function requireBranchName(branch: string | undefined): void {
  const parts = branch?.split('/') ?? [];
  const bad = /^[.-]|^$|\.\.|\.$|\.lock$|@\{|[\0-\x20\x7f~^:?*[\\]/;
  if (parts.some((part) => bad.test(part))) {
    throw new AppError('INVALID_REQUEST', `${branch} is not a name that a branch can have.`);
  }
}
