import { readFile } from 'node:fs/promises';
import path from 'node:path';

/** What `postmaster.pid` says of the server that holds a cluster. */
export interface Postmaster {
  pid: number;
  socketDir: string;
  /** `starting`, `ready`, `standby` or `stopping`. */
  status: string;
}

/** The live postmaster of a cluster, or undefined; a file left behind by a dead one counts as none. */
export async function readPostmaster(clusterDir: string): Promise<Postmaster | undefined> {
  const file = await readFile(path.join(clusterDir, 'postmaster.pid'), 'utf8').catch(() => '');
  // Lines: pid, data folder, start time, port, socket folder, listen address, shared memory, status.
  const lines = file.split('\n').map((line) => line.trim());
  const pid = Number(lines[0]);

  // A file that survived a reboot of a container may name pid 1, or us.
  if (!Number.isInteger(pid) || pid <= 1 || pid === process.pid || !isAlive(pid)) {
    return undefined;
  }
  return { pid, socketDir: lines[4] ?? '', status: lines[7] ?? '' };
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}
