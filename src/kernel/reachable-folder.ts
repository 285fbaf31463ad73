import { createHash, randomBytes } from 'node:crypto';
import { chmod, mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';

/** Where files go that another account must reach, when it cannot walk to the wished place (below /root). */
const SHARED = '/var/lib/autodev';

/**
 * The wished folder, or one below /var/lib/autodev when an account that owns nothing on the way cannot walk to it.
 * For root alone, which runs PostgreSQL and workers under other accounts. The folder is not made; its parent is.
 *
 * The other folder belongs to the parent as it is now: whoever deletes that to begin anew gets a new one, and what
 * is left of the old one is removed.
 *
 * @param kind first word of the other folder's name
 */
export async function reachableFolder(wished: string, kind: string): Promise<string> {
  const parent = path.dirname(wished);
  await mkdir(parent, { recursive: true });
  if (await isReachable(parent)) {
    return wished;
  }
  const place = await sharedFolder(kind, wished);
  const folder = `${place}-${await identify(parent)}`;
  for (const entry of await readdir(SHARED)) {
    const other = path.join(SHARED, entry);
    if (other.startsWith(`${place}-`) && other !== folder) {
      await rm(other, { recursive: true, force: true });
    }
  }
  return folder;
}

/** A folder below /var/lib/autodev that is always the same for the same `wished`; its parent is made. */
export async function sharedFolder(kind: string, wished: string): Promise<string> {
  await mkdir(SHARED, { recursive: true });
  await chmod(SHARED, 0o711);
  return path.join(SHARED, `${kind}-${shortHash(wished)}`);
}

/** What tells a folder from a later one of the same name: a random word in a file of its own. */
async function identify(folder: string): Promise<string> {
  const file = path.join(folder, 'instance');
  await writeFile(file, randomBytes(4).toString('hex'), { flag: 'wx', mode: 0o600 }).catch(
    (error: unknown) => {
      if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) {
        throw error;
      }
    },
  );
  return (await readFile(file, 'utf8')).trim();
}

/** Whether an account that owns nothing on the way can walk there: looks at the bits for others. */
export async function isReachable(target: string): Promise<boolean> {
  const passable = ((await stat(target)).mode & 0o001) !== 0;
  const parent = path.dirname(target);
  return passable && (parent === target || isReachable(parent));
}

function shortHash(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 12);
}
