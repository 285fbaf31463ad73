/** Why an attempt is stopped from outside. */
type StopCause = 'cancelled' | 'shutdown' | 'lost';

/** One attempt that this runner is at. */
interface RunningAttempt {
  readonly jobId: number;
  readonly stop: AbortController;
  /** Resolves when its end is written, or was not ours to write. */
  readonly done: Promise<void>;
}

/** The slots of a runner and what is in them. */
export interface RunningAttempts {
  readonly free: number;
  readonly jobIds: readonly number[];
  start(jobId: number, work: (stop: AbortSignal) => Promise<void>, onEnd: () => void): void;
  stop(jobId: number, cause: StopCause): boolean;
  stopAll(cause: StopCause): Promise<void>;
  /** Rejects with the first bug that an attempt ended with. */
  readonly crashed: Promise<never>;
}

export function createRunningAttempts(slots: number): RunningAttempts {
  const running = new Map<number, RunningAttempt>();
  const crashed = Promise.withResolvers<never>();
  crashed.promise.catch(() => {});

  return {
    get free() {
      return slots - running.size;
    },
    get jobIds() {
      return [...running.keys()];
    },
    start(jobId, work, onEnd) {
      const stop = new AbortController();
      const done = work(stop.signal)
        .catch(crashed.reject)
        .finally(() => {
          running.delete(jobId);
          onEnd();
        });
      running.set(jobId, { jobId, stop, done });
    },
    stop(jobId, cause) {
      const attempt = running.get(jobId);
      attempt?.stop.abort(cause);
      return attempt !== undefined;
    },
    async stopAll(cause) {
      for (const { stop } of running.values()) {
        stop.abort(cause);
      }
      await Promise.all([...running.values()].map(({ done }) => done));
    },
    crashed: crashed.promise,
  };
}
