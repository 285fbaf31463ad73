import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const FIRST_WORKER_UID = 61_000;

/** Host uid and gid of the worker in a slot; undefined for an ordinary user, who can only start workers as itself. */
export function workerUid(slot: number): number | undefined {
  return process.getuid?.() === 0 ? FIRST_WORKER_UID + slot : undefined;
}

/**
 * Gives trees of ours to the worker of a slot, before it runs. Links are not followed. Without root there is
 * nothing to do. Every folder above them must be traversable for others (0711), as bubblewrap walks as the worker.
 */
export async function handOver(paths: readonly string[], slot: number): Promise<void> {
  const uid = workerUid(slot);
  if (uid !== undefined && paths.length > 0) {
    await promisify(execFile)('/bin/chown', ['-Rh', `${uid}:${uid}`, '--', ...paths], {
      env: {},
      cwd: '/',
    });
  }
}
