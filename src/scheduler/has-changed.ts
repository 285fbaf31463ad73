import picomatch from 'picomatch';

import type { Db } from '../db/db.ts';
import { getRepo } from '../db/repos.ts';
import type { Forge } from '../forge/forge.ts';
import { AppError } from '../kernel/errors.ts';

/** Whether a path that one of `globs` matches differs between two commits of a repository. */
export type HasChanged = (
  repoId: number,
  range: { from: string; to: string; globs: readonly string[] },
  signal: AbortSignal,
) => Promise<boolean>;

/**
 * Asks the forge. A commit that is gone since (a forced push and a clean-up) can be compared with nothing, so
 * everything counts as changed; a repository that cannot be read throws.
 */
export function createHasChanged({ db, forge }: { db: Db; forge: Forge }): HasChanged {
  return async (repoId, { from, to, globs }, signal) => {
    if (from === to) {
      return false;
    }
    const repo = await getRepo(db, repoId);
    try {
      const paths = await forge.changedPaths(repo, { from, to }, signal);
      const matches = picomatch([...globs], { dot: true });
      return paths.some((path) => matches(path));
    } catch (error) {
      if (!(error instanceof AppError) || error.code !== 'SOURCE_UNREADABLE') {
        throw error;
      }
      await forge.readCommit(repo, to, signal);
      return true;
    }
  };
}
