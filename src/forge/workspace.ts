import { mkdir, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

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
  /** Files that come from another commit (the default branch's instructions), where that has them. */
  readonly overlay?: { readonly commit: string; readonly paths: readonly string[] };
}

/** Settings that stay in the workspace, for the processes that work in it later. */
const KEPT = [
  'core.hooksPath=/dev/null',
  'core.fsmonitor=false',
  'gc.auto=0',
  'maintenance.auto=false',
  'submodule.recurse=false',
  'core.logAllRefUpdates=false',
];

/**
 * Makes a working tree of one commit that shares the mirror's objects: no hook, no filter (large files stay
 * pointers), no submodule, no credential, no remote. Once a worker was in it, no git outside the sandbox may
 * run there: its settings are the worker's then.
 */
export async function createWorkspace(
  { git }: { git: Git },
  { mirror, folder, commit, branch, attributes, overlay }: WorkspaceOptions,
  signal: AbortSignal,
): Promise<void> {
  requireCommitId(commit);
  await mkdir(dirname(folder), { recursive: true });
  const outside: GitPlace = { cwd: dirname(folder), safeDirectories: [mirror, folder] };
  const inside: GitPlace = { cwd: folder, safeDirectories: [mirror, folder] };
  try {
    const clone = ['clone', '--quiet', '--shared', '--no-checkout', '--no-tags', '--template='];
    const kept = KEPT.flatMap((setting) => ['--config', setting]);
    await git.run(outside, [...clone, ...kept, '--', mirror, folder], signal);
    await git.run(inside, ['config', '--remove-section', 'remote.origin'], signal);
    if (attributes !== undefined) {
      await mkdir(join(folder, '.git', 'info'), { recursive: true });
      await writeFile(join(folder, '.git', 'info', 'attributes'), attributes);
    }
    const stand = branch === undefined ? ['--detach'] : ['--no-track', '-B', branch];
    await git.run(inside, ['checkout', '--quiet', ...stand, commit], signal);
    if (overlay && overlay.commit !== commit) {
      await lay(git, inside, overlay, signal);
    }
  } catch (error) {
    await rm(folder, { recursive: true, force: true });
    throw error;
  }
}

/** Makes `paths` equal to another commit's, in the tree and in the index; what that does not have is removed. */
async function lay(
  git: Git,
  inside: GitPlace,
  { commit, paths }: { commit: string; paths: readonly string[] },
  signal: AbortSignal,
): Promise<void> {
  requireCommitId(commit);
  if (paths.length > 0) {
    const restore = ['restore', '--quiet', `--source=${commit}`, '--staged', '--worktree'];
    for (const path of paths) {
      // 1: neither side has the path.
      await git.run(inside, [...restore, '--', path], signal, { answers: [0, 1] });
    }
  }
}
