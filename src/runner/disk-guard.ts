import { statfs } from 'node:fs/promises';

/** The share of the data volume (0 to 1) above which nothing is claimed. */
const MOST_USED = 0.85;

/** Whether there is room for another workspace. */
export async function hasDiskRoom(folder: string): Promise<boolean> {
  const { blocks, bavail } = await statfs(folder);
  return blocks === 0 || (blocks - bavail) / blocks < MOST_USED;
}
