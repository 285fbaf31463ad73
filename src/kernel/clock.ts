import { setTimeout as sleep } from 'node:timers/promises';

/** Time as a dependency: production passes `systemClock`, tests pass one that they move. */
export interface Clock {
  now(): Date;
  /** Resolves after `ms` or when `signal` aborts, whichever comes first; never rejects. */
  sleep(ms: number, signal: AbortSignal): Promise<void>;
}

export const systemClock: Clock = {
  now: () => new Date(),
  sleep: async (ms, signal) => {
    // An aborted sleep is an ended one: whoever waits looks at the signal.
    await sleep(ms, undefined, { signal }).catch(() => {});
  },
};
