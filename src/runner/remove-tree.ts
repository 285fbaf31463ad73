import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const run = promisify(execFile);
const OPTIONS = { env: {}, cwd: '/' };

/**
 * Removes a folder that a worker wrote in: also trees that are deeper than a path may be long, and folders that it
 * closed. Programs of the system walk it, as they follow no link. What cannot be removed stays, for the next start.
 */
export async function removeTree(folder: string): Promise<void> {
  try {
    await run('/bin/rm', ['-rf', '--', folder], OPTIONS);
  } catch {
    await run('/bin/chmod', ['-R', 'u+rwX', '--', folder], OPTIONS).catch(() => {});
    await run('/bin/rm', ['-rf', '--', folder], OPTIONS).catch(() => {});
  }
}
