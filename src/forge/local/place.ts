import { existsSync, readFileSync, realpathSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';

import { AppError } from '../../kernel/errors.ts';
import type { GitPlace } from '../git.ts';

/** A repository's folders on this machine. */
export interface RepoFolders {
  /** The working tree's top, or the bare repository itself. */
  readonly top: string;
  /** Holds HEAD and the index of `top`. */
  readonly gitDir: string;
  /** Holds the objects and the branches; the same as `gitDir` unless `top` is a linked worktree. */
  readonly commonDir: string;
}

/** Finds the git folders of a working tree's top or a bare repository without a process; undefined when it is neither. */
function findFolders(location: string): RepoFolders | undefined {
  const gitDir = findGitDir(location);
  if (gitDir === undefined || !existsSync(join(gitDir, 'HEAD'))) {
    return undefined;
  }
  const pointer = join(gitDir, 'commondir');
  const commonDir = existsSync(pointer)
    ? resolve(gitDir, readFileSync(pointer, 'utf8').trim())
    : gitDir;
  return existsSync(join(commonDir, 'objects')) ? { top: location, gitDir, commonDir } : undefined;
}

/** As `findFolders`, with SOURCE_UNREADABLE for a repository that was there once. */
export function requireFolders(location: string): RepoFolders {
  try {
    const folders = findFolders(location);
    if (folders) {
      return folders;
    }
  } catch (cause) {
    throw unreadable(location, cause);
  }
  throw unreadable(location, undefined);
}

/**
 * Where and as whom git runs for a repository. Root acts as the owner, so that a setting in somebody's
 * repository never runs a program as root; anybody else acts as themselves.
 */
export function placeOf({ top, gitDir, commonDir }: RepoFolders, cwd: string = top): GitPlace {
  const owner = statSync(commonDir);
  const foreign = process.getuid?.() === 0 && owner.uid !== 0;
  return {
    cwd,
    safeDirectories: [...new Set([top, gitDir, commonDir, cwd].flatMap(withRealPath))],
    as: foreign ? { uid: owner.uid, gid: owner.gid } : undefined,
  };
}

/** As `placeOf`, for a write: FORBIDDEN when the repository belongs to somebody whom we cannot act as. */
export function writerOf(folders: RepoFolders, cwd: string = folders.top): GitPlace {
  const uid = process.getuid?.();
  const owner = statSync(folders.commonDir).uid;
  if (uid !== undefined && uid !== 0 && uid !== owner) {
    throw new AppError(
      'FORBIDDEN',
      `${folders.top} belongs to another user (uid ${owner}), so Auto-Dev (uid ${uid}) does not write to it.`,
      { remedy: `Run Auto-Dev as that user, or: sudo chown -R ${uid} ${folders.top}` },
    );
  }
  return placeOf(folders, cwd);
}

function findGitDir(location: string): string | undefined {
  const dotGit = join(location, '.git');
  const stat = statSync(dotGit, { throwIfNoEntry: false });
  if (stat?.isDirectory()) {
    return dotGit;
  }
  if (stat?.isFile()) {
    const target = /^gitdir: (.+)$/m.exec(readFileSync(dotGit, 'utf8'))?.[1];
    return target === undefined ? undefined : resolve(location, target);
  }
  return existsSync(join(location, 'objects')) ? location : undefined;
}

function withRealPath(folder: string): string[] {
  return existsSync(folder) ? [folder, realpathSync(folder)] : [folder];
}

function unreadable(location: string, cause: unknown): AppError {
  return new AppError('SOURCE_UNREADABLE', `There is no readable git repository at ${location}.`, {
    cause,
    remedy: 'Bring it back, or remove it with `autodev repos remove`.',
  });
}
