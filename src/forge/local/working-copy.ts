import { lstat, readFile as readFromDisk, readlink } from 'node:fs/promises';
import { join } from 'node:path';

import type { ForgeRepo } from '../forge.ts';
import type { Git } from '../git.ts';
import { requireFolders } from './place.ts';
import { readFile } from './read.ts';

/** Larger files count as different when their sizes differ, and are not compared further. */
const MAX_BYTES = 4 * 1024 * 1024;

/**
 * Whether the file in the working copy is another one than the commit's, so that a person who edited it without
 * committing can be told. Line endings do not count: git may have changed them on the way out. No filter runs.
 */
export async function workingCopyDiffers(
  { git }: { git: Git },
  repo: ForgeRepo,
  { commit, path }: { commit: string; path: string },
  signal: AbortSignal,
): Promise<boolean> {
  const { top, gitDir } = requireFolders(repo.location);
  if (top === gitDir) {
    return false;
  }
  const [committed, onDisk] = await Promise.all([
    readFile({ git }, repo, { commit, path, maxBytes: MAX_BYTES }, signal),
    readWorkingFile(join(top, path)),
  ]);
  if (committed === undefined || onDisk === undefined) {
    return committed !== undefined || onDisk !== undefined;
  }
  if (committed.content === undefined || onDisk.content === undefined) {
    return committed.size !== onDisk.size;
  }
  return !withoutReturns(committed.content).equals(withoutReturns(onDisk.content));
}

async function readWorkingFile(
  file: string,
): Promise<{ size: number; content: Buffer | undefined } | undefined> {
  try {
    const { size, ...stat } = await lstat(file).then((found) => ({
      size: found.size,
      link: found.isSymbolicLink(),
      file: found.isFile(),
    }));
    if (stat.link) {
      return { size, content: Buffer.from(await readlink(file)) };
    }
    if (!stat.file) {
      return undefined;
    }
    return { size, content: size > MAX_BYTES ? undefined : await readFromDisk(file) };
  } catch {
    // Deleted or not readable: the working copy has no such file.
    return undefined;
  }
}

function withoutReturns(content: Buffer): Buffer {
  return Buffer.from(content.toString('latin1').replaceAll('\r\n', '\n'), 'latin1');
}
