import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

import type { Git, GitPlace } from '../git.ts';

export interface Worktree {
  readonly path: string;
  readonly bare: boolean;
  /** Full name of the checked out branch; undefined when HEAD is detached. */
  readonly branch: string | undefined;
}

/** Operations that keep a worktree between two states, by the file in its git folder that tells. */
const OPERATIONS = {
  MERGE_HEAD: 'merge',
  'rebase-merge': 'rebase',
  'rebase-apply': 'rebase',
  CHERRY_PICK_HEAD: 'cherry-pick',
  REVERT_HEAD: 'revert',
  BISECT_START: 'bisect',
} as const;

export type Operation = (typeof OPERATIONS)[keyof typeof OPERATIONS];

/** All worktrees whose folder is there, the main one first. */
export async function listWorktrees(
  { git }: { git: Git },
  place: GitPlace,
  signal: AbortSignal,
): Promise<Worktree[]> {
  const listed = await git.text(place, ['worktree', 'list', '--porcelain', '-z'], signal);
  return listed
    .split('\0\0')
    .map((entry) => new Map(entry.split('\0').map(keyAndValue)))
    .filter((entry) => !entry.has('prunable'))
    .flatMap((entry) => {
      const path = entry.get('worktree');
      return path === undefined
        ? []
        : [{ path, bare: entry.has('bare'), branch: entry.get('branch') }];
    });
}

/**
 * The worktree in which `ref` must not be moved behind its user's back: it is checked out there, or a rebase
 * or bisect that began on it goes on there and comes back to it.
 */
export async function findCheckout(
  { git }: { git: Git },
  { place, ref }: { place: GitPlace; ref: string },
  signal: AbortSignal,
): Promise<{ worktree: Worktree; operation: Operation | undefined } | undefined> {
  const worktrees = await listWorktrees({ git }, place, signal);
  for (const worktree of worktrees.filter((each) => !each.bare)) {
    const gitDir = gitDirOf(worktree.path);
    const operation = operationIn(gitDir);
    if (worktree.branch === ref || startedOn(gitDir, ref)) {
      return { worktree, operation };
    }
  }
  return undefined;
}

function gitDirOf(worktree: string): string {
  const dotGit = join(worktree, '.git');
  const pointer = readIfThere(dotGit);
  const target = /^gitdir: (.+)$/m.exec(pointer ?? '')?.[1];
  return target === undefined ? dotGit : resolve(worktree, target);
}

function operationIn(gitDir: string): Operation | undefined {
  for (const [file, operation] of Object.entries(OPERATIONS)) {
    if (existsSync(join(gitDir, file))) {
      return operation;
    }
  }
  return undefined;
}

function startedOn(gitDir: string, ref: string): boolean {
  const heads = ['rebase-merge/head-name', 'rebase-apply/head-name', 'BISECT_START'];
  return heads.some((file) => {
    const name = readIfThere(join(gitDir, file))?.trim();
    return name === ref || `refs/heads/${name}` === ref;
  });
}

function readIfThere(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    // Not there, or a folder: then it names nothing.
    return undefined;
  }
}

function keyAndValue(line: string): [string, string] {
  const space = line.indexOf(' ');
  return space === -1 ? [line, ''] : [line.slice(0, space), line.slice(space + 1)];
}
