import { execFile } from 'node:child_process';
import { readdirSync, statSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { promisify } from 'node:util';

import { AppError } from '../kernel/errors.ts';

const FIRST_WORKER_UID = 61_000;
/** Up to 65499: below `nobody` (65534), which others run as. */
const SLOTS = 4500;

/** A slot that is nobody else's on this host until it is disposed of. */
interface UidSlot extends AsyncDisposable {
  readonly slot: number;
}

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

/**
 * Takes a slot for one attempt: the first, from `from` on, that neither this process nor another runner on this host
 * holds, whatever their data folders are. Two workers with one uid could end and read each other.
 *
 * A slot is held by listening at an abstract socket of its name: the kernel lets one process do that, and takes the
 * name back when that process is gone, however it ended. What a killed runner's workers leave running keeps its slot.
 * Without root every worker is we ourselves, and nothing is held.
 *
 * @throws {AppError} BUSY when all are taken
 */
export async function leaseUidSlot({ from = 0 } = {}): Promise<UidSlot> {
  if (process.platform !== 'linux' || workerUid(0) === undefined) {
    return { slot: 0, [Symbol.asyncDispose]: () => Promise.resolve() };
  }
  for (let slot = from; slot < SLOTS; slot += 1) {
    const uid = FIRST_WORKER_UID + slot;
    const server = await listenAt(`\0autodev-worker-${uid}`);
    if (server === undefined) {
      continue;
    }
    if (!hasProcesses(uid)) {
      return { slot, [Symbol.asyncDispose]: () => close(server) };
    }
    await close(server);
  }
  throw new AppError('BUSY', 'every user that a worker can run as on this host is taken', {
    remedy: `End what runs with a uid from ${FIRST_WORKER_UID} on, or run fewer runners.`,
  });
}

/** Undefined when somebody listens there. */
function listenAt(name: string): Promise<Server | undefined> {
  const { promise, resolve, reject } = Promise.withResolvers<Server | undefined>();
  // There is nothing to say to whoever comes.
  const server = createServer((socket) => socket.destroy());
  server.once('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EADDRINUSE') {
      resolve(undefined);
    } else {
      reject(error);
    }
  });
  server.listen(name, () => resolve(server));
  server.unref();
  return promise;
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
  });
}

function hasProcesses(uid: number): boolean {
  return readdirSync('/proc').some((entry) => {
    if (!/^\d+$/.test(entry)) {
      return false;
    }
    try {
      return statSync(`/proc/${entry}`).uid === uid;
    } catch {
      return false; // ended since it was listed
    }
  });
}
