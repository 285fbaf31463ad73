import { readFile, realpath } from 'node:fs/promises';
import path from 'node:path';

/**
 * A file that an autodev.yaml names, read from the working copy; undefined where it is missing, or where its path
 * (or a link on the way) leads out of the repository.
 */
export async function readRepositoryFile(root: string, name: string): Promise<string | undefined> {
  try {
    const top = await realpath(root);
    const file = await realpath(path.resolve(top, name));
    const inside = path.relative(top, file);
    if (inside.startsWith('..') || path.isAbsolute(inside)) {
      return undefined;
    }
    return await readFile(file, 'utf8');
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code === 'ENOENT' || code === 'ENOTDIR' || code === 'EISDIR') {
      return undefined;
    }
    throw error;
  }
}
