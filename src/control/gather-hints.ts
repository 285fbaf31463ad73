import type { Clock } from '../kernel/clock.ts';

const WINDOW_MS = 1_000;
/** Above what people and workers cause, and few enough for the look at the database that each may cost. */
const MOST_PER_WINDOW = 200;

interface GatherDeps {
  clock: Clock;
  /** Gets hints at once, and the empty one for all that were too many. */
  onHint: (id: string) => void;
  /** Called for each hint that was not passed on by itself. */
  onGathered: () => void;
}

/**
 * Passes hints on as they come until there are too many (somebody replays or floods a channel); the rest of that
 * second becomes one hint to look at everything, at its end. So no flood costs more looks than the poll can bear.
 */
export function gatherHints(
  { clock, onHint, onGathered }: GatherDeps,
  signal: AbortSignal,
): (id: string) => void {
  let windowStart = Number.NEGATIVE_INFINITY;
  let passed = 0;
  let isLate = false;

  const lookLater = async (): Promise<void> => {
    await clock.sleep(WINDOW_MS, signal);
    isLate = false;
    if (!signal.aborted) {
      onHint('');
    }
  };

  return (id) => {
    const now = clock.now().getTime();
    // A clock that was set back begins a new window, too.
    if (now - windowStart >= WINDOW_MS || now < windowStart) {
      windowStart = now;
      passed = 0;
    }
    if (passed < MOST_PER_WINDOW) {
      passed += 1;
      onHint(id);
      return;
    }
    onGathered();
    if (!isLate) {
      isLate = true;
      void lookLater();
    }
  };
}
