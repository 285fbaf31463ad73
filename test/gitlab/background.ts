/** Work that goes on after an answer was sent: hooks on their way, votes that wait to be taken back. */
export interface Background {
  /** Aborts when the server stops. */
  readonly signal: AbortSignal;
  /** Ends with the server; `task` gets the signal and must return soon after it. A failure is a bug of the server. */
  run(task: (signal: AbortSignal) => Promise<void>): void;
  /** Stops everything and waits for it; rejects with the first bug that any task had. */
  stop(): Promise<void>;
}

export function createBackground(): Background {
  const stopped = new AbortController();
  const running = new Set<Promise<void>>();
  const bugs: unknown[] = [];

  return {
    signal: stopped.signal,
    run(task) {
      if (stopped.signal.aborted) {
        return;
      }
      const run = task(stopped.signal)
        .catch((error: unknown) => {
          bugs.push(error);
        })
        .finally(() => running.delete(run));
      running.add(run);
    },
    async stop() {
      stopped.abort();
      await Promise.all(running);
      if (bugs.length > 0) {
        throw new AggregateError(bugs, 'The GitLab server failed in the background.');
      }
    },
  };
}
