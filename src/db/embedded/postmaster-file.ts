import { readFile, rm } from 'node:fs/promises';
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

/**
 * Removes a lock file whose pid was given to another program, as after a reboot. PostgreSQL itself refuses to
 * start as long as that program runs as the same user. Needs /proc; without it the file stays.
 */
export async function removeStaleFile(clusterDir: string): Promise<void> {
  const holder = await readPostmaster(clusterDir);
  if (holder === undefined) {
    return;
  }
  const command = await readFile(`/proc/${holder.pid}/cmdline`, 'utf8').catch(() => undefined);
  // The postmaster names its data folder on its command line.
  if (command !== undefined && command !== '' && !command.includes(clusterDir)) {
    await rm(path.join(clusterDir, 'postmaster.pid'), { force: true });
  }
}
