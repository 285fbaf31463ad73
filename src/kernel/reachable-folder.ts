import { createHash } from 'node:crypto';
import { chmod, mkdir, stat } from 'node:fs/promises';
import path from 'node:path';

/** Where files go that another account must reach, when it cannot walk to the wished place (below /root). */
const SHARED = '/var/lib/autodev';

/**
 * The wished folder, or one below /var/lib/autodev when an account that owns nothing on the way cannot walk to it.
 * For root alone, which runs PostgreSQL and workers under other accounts. The folder is not made; its parent is.
 *
 * @param kind first word of the other folder's name
 */
export async function reachableFolder(wished: string, kind: string): Promise<string> {
  await mkdir(path.dirname(wished), { recursive: true });
  if (await isReachable(path.dirname(wished))) {
    return wished;
  }
  return sharedFolder(kind, wished);
}

/** A folder below /var/lib/autodev that is always the same for the same `wished`; its parent is made. */
export async function sharedFolder(kind: string, wished: string): Promise<string> {
  await mkdir(SHARED, { recursive: true });
  await chmod(SHARED, 0o711);
  return path.join(SHARED, `${kind}-${shortHash(wished)}`);
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
