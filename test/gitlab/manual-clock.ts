import type { Clock } from '../../src/kernel/clock.ts';

/** A clock that stands until it is moved. Sleepers wake in the order in which they are due. */
export interface ManualClock extends Clock {
  /** Moves the time and wakes whoever is due on the way; resolves once they have had their turn. */
  advance(ms: number): Promise<void>;
}

interface Sleeper {
  readonly dueAt: number;
  wake(): void;
}

export function createManualClock(start: Date = new Date('2026-03-02T09:00:00.000Z')): ManualClock {
  let now = start.getTime();
  let sleepers: Sleeper[] = [];

  return {
    now: () => new Date(now),
    sleep: (ms, signal) => {
      if (signal.aborted || ms <= 0) {
        return Promise.resolve();
      }
      return new Promise((resolve) => {
        const sleeper: Sleeper = {
          dueAt: now + ms,
          wake() {
            sleepers = sleepers.filter((other) => other !== sleeper);
            resolve();
          },
        };
        sleepers.push(sleeper);
        signal.addEventListener('abort', () => sleeper.wake(), { once: true });
      });
    },
    async advance(ms) {
      const end = now + ms;
      for (;;) {
        const [next] = sleepers
          .filter(({ dueAt }) => dueAt <= end)
          .sort((left, right) => left.dueAt - right.dueAt);
        if (next === undefined) {
          break;
        }
        now = next.dueAt;
        next.wake();
        await turn();
      }
      now = end;
      await turn();
    },
  };
}

/** Lets everything that is ready run once, so that who was woken can go to sleep again. */
function turn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
