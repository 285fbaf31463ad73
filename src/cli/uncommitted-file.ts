import path from 'node:path';

import { CONFIG_FILE } from '../config/config-file.ts';
import type { Repo } from '../db/views/repo-list.ts';
import { createGit } from '../forge/git.ts';
import { workingCopyDiffers } from '../forge/local/working-copy.ts';
import { AppError } from '../kernel/errors.ts';
import type { Surroundings } from './context.ts';

/**
 * The autodev.yaml in a repository's working copy where it is another one than the commit's that the server saw
 * last; undefined where they are the same, or where the repository is not on this machine.
 */
export async function uncommittedFile(
  { env, clock, signal }: Pick<Surroundings, 'env' | 'clock' | 'signal'>,
  { id, path: name, forge, location, branch, head }: Repo,
): Promise<string | undefined> {
  if (forge !== 'local' || head === null) {
    return undefined;
  }
  const git = createGit({
    path: env['PATH'] ?? '/usr/local/bin:/usr/bin:/bin',
    clock,
  });
  try {
    const differs = await workingCopyDiffers(
      { git },
      { id: Number(id), path: name, location, branch },
      { commit: head, path: CONFIG_FILE },
      signal,
    );
    return differs ? path.join(location, CONFIG_FILE) : undefined;
  } catch (error) {
    // The server may run elsewhere, or as somebody who may read more than we: then there is nothing to say.
    if (error instanceof AppError) {
      return undefined;
    }
    throw error;
  }
}
