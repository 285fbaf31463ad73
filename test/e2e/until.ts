import { systemClock } from '../../src/kernel/clock.ts';

const POLL_MS = 50;
const never = new AbortController().signal;

/** Reads until `isDone` says so and answers what was read then; fails with the last one when `withinMs` are over. */
export async function until<T>(
  what: string,
  read: () => Promise<T>,
  isDone: (value: T) => boolean,
  { withinMs = 45_000 }: { withinMs?: number } = {},
): Promise<T> {
  const deadline = performance.now() + withinMs;
  for (;;) {
    const value = await read();
    if (isDone(value)) {
      return value;
    }
    if (performance.now() > deadline) {
      const last = JSON.stringify(value, undefined, 1)?.slice(0, 4000);
      throw new Error(`not within ${withinMs} ms: ${what}\nlast seen: ${last}`);
    }
    await systemClock.sleep(POLL_MS, never);
  }
}
