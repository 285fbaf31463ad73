import { Worker } from 'node:worker_threads';

import type { Clock } from '../kernel/clock.ts';
import { AppError } from '../kernel/errors.ts';
import type { Log } from '../kernel/log.ts';
import type { FromConfigThread, ToConfigThread } from './config-thread.ts';

/** For a heap of 256 KiB of YAML a fraction would do; one file must not take the memory of all. */
const MAX_HEAP_MB = 256;

/** A thread as those see it that give it work. */
export interface ConfigThread {
  /** @throws {AppError} TIMEOUT (the thread is ended) or UNAVAILABLE (it has ended). */
  ask(message: ToConfigThread): Promise<FromConfigThread>;
  hasEnded(): boolean;
  end(): void;
}

/** `timeoutMs` is how long it may take to answer; its start counts. */
export function startConfigThread(
  { clock, log }: { clock: Clock; log: Log },
  { script, timeoutMs }: { script: URL; timeoutMs: number },
): ConfigThread {
  // It reads what strangers wrote: no secret of ours is in its environment.
  const worker = new Worker(script, {
    env: {},
    name: 'config',
    resourceLimits: { maxOldGenerationSizeMb: MAX_HEAP_MB },
  });
  // Who waits for an answer keeps the process alive, a thread does not.
  worker.unref();

  let open: PromiseWithResolvers<FromConfigThread> | undefined;
  let ended = false;
  const end = (): void => {
    ended = true;
    void worker.terminate();
  };
  const lost = (cause?: unknown): AppError =>
    new AppError('UNAVAILABLE', 'the thread that read autodev.yaml has ended', { cause });

  worker.on('message', (reply: FromConfigThread) => open?.resolve(reply));
  worker.on('error', (err) => {
    log.error({ err }, 'a thread that reads configurations failed');
    ended = true;
    open?.reject(lost(err));
  });
  worker.on('exit', () => {
    ended = true;
    open?.reject(lost());
  });

  return {
    hasEnded: () => ended,
    end,
    ask: async (message) => {
      if (ended) {
        throw lost();
      }
      const reply = Promise.withResolvers<FromConfigThread>();
      open = reply;
      const answered = new AbortController();
      const timeOut = async (): Promise<void> => {
        await clock.sleep(timeoutMs, answered.signal);
        if (!answered.signal.aborted) {
          end();
          const seconds = timeoutMs / 1000;
          reply.reject(
            new AppError('TIMEOUT', `autodev.yaml takes more than ${seconds} s to read`),
          );
        }
      };
      void timeOut();
      // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
      worker.postMessage(message);
      try {
        return await reply.promise;
      } finally {
        answered.abort();
      }
    },
  };
}
