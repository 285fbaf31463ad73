import { availableParallelism } from 'node:os';

import type { LoadedConfig } from '../config/load.ts';
import type { Clock } from '../kernel/clock.ts';
import { AppError } from '../kernel/errors.ts';
import type { Log } from '../kernel/log.ts';
import type { LoadOnRequest, LoadRequest, ReadNamedFile } from './load-request.ts';
import type { ConfigThread } from './start-config-thread.ts';
import { startConfigThread } from './start-config-thread.ts';

const SCRIPT = new URL('./config-thread.ts', import.meta.url);

interface PoolDeps {
  clock: Clock;
  log: Log;
}

interface PoolOptions {
  /** How many threads at most; the default leaves one processor to everything else. */
  threads?: number;
  /** A thread that is silent for so long is ended. Its start counts, waiting for a file does not. */
  timeoutMs?: number;
  /** A thread without work for so long is ended. */
  idleMs?: number;
  /** What a thread runs. */
  script?: URL;
}

/** Loads configurations on threads of its own. Disposing it ends them, with what they are at. */
export interface ConfigPool extends Disposable {
  /** @throws {AppError} TIMEOUT or UNAVAILABLE: of this one file; the next call gets another thread. */
  readonly load: LoadOnRequest;
}

interface Rested {
  readonly thread: ConfigThread;
  /** Aborted when there is work again. */
  readonly rest: AbortController;
}

/**
 * Parsing and checking takes a millisecond or two a file, a thousand times for a herd of repositories and a second
 * for a hostile file: on threads, nobody who waits for the API or a heartbeat notices. A thread starts when there is
 * work for it. One that crashes, or does not answer, costs the file that it was at.
 */
export function createConfigPool(
  deps: PoolDeps,
  {
    threads: most = Math.max(1, availableParallelism() - 1),
    timeoutMs = 10_000,
    idleMs = 30_000,
    script = SCRIPT,
  }: PoolOptions = {},
): ConfigPool {
  const threads = new Set<ConfigThread>();
  // The one that rested least is taken first, so that the others come to their end.
  const idle: Rested[] = [];
  const waiting: (() => void)[] = [];
  let closed = false;

  const take = async (): Promise<ConfigThread> => {
    for (;;) {
      if (closed) {
        throw new AppError('UNAVAILABLE', 'this process is stopping');
      }
      const rested = idle.pop();
      rested?.rest.abort();
      if (rested && !rested.thread.hasEnded()) {
        return rested.thread;
      }
      if (rested) {
        threads.delete(rested.thread);
      }
      if (threads.size < most) {
        const thread = startConfigThread(deps, { script, timeoutMs });
        threads.add(thread);
        return thread;
      }
      await new Promise<void>((resolve) => waiting.push(resolve));
    }
  };
  const giveBack = (thread: ConfigThread): void => {
    if (thread.hasEnded()) {
      threads.delete(thread);
    } else {
      const rested = { thread, rest: new AbortController() };
      idle.push(rested);
      // Who waits takes it at once: a timer for each file of a herd would be for nothing.
      if (waiting.length === 0) {
        void endAfterRest(rested);
      }
    }
    waiting.shift()?.();
  };
  const endAfterRest = async (rested: Rested): Promise<void> => {
    await deps.clock.sleep(idleMs, rested.rest.signal);
    if (!rested.rest.signal.aborted) {
      idle.splice(idle.indexOf(rested), 1);
      threads.delete(rested.thread);
      rested.thread.end();
    }
  };

  return {
    load: async (request, readFile) => {
      const thread = await take();
      try {
        return await converse(thread, { request, readFile });
      } finally {
        giveBack(thread);
      }
    },
    [Symbol.dispose]: () => {
      closed = true;
      idle.forEach(({ rest }) => rest.abort());
      threads.forEach((thread) => thread.end());
      waiting.splice(0).forEach((wake) => wake());
    },
  };
}

async function converse(
  thread: ConfigThread,
  { request, readFile }: { request: LoadRequest; readFile: ReadNamedFile },
): Promise<LoadedConfig> {
  // Of its own: a Buffer is often a piece of a large one, all of which would be sent.
  const source = new Uint8Array(request.source);
  let reply = await thread.ask({ kind: 'load', request: { ...request, source } });
  while (reply.kind === 'read') {
    reply = await thread.ask({ kind: 'content', content: await readFile(reply.path) });
  }
  return reply.loaded;
}
