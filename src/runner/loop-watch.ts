import type { ProviderEvent } from '../llm/provider-event.ts';

/** So many rounds of the same calls, with nothing else between them, are no work any more. */
const MOST_ROUNDS = 12;
/** A round has at most so many different calls. */
const LONGEST_ROUND = 3;

/**
 * Sees when a worker goes round in circles: the same few calls with the same arguments, again and again. A change of
 * a file is a call that differs from the one before, so whoever gets on is not in a loop.
 */
export function loopWatch(): { see(event: ProviderEvent): string | undefined } {
  const recent: string[] = [];
  return {
    see(event) {
      if (event.type !== 'tool' || event.phase !== 'began') {
        return undefined;
      }
      recent.push(`${event.name} ${event.detail}`);
      recent.splice(0, recent.length - MOST_ROUNDS * LONGEST_ROUND);
      const round = [1, 2, 3].find((length) => isCircle(recent, length));
      return round === undefined
        ? undefined
        : `It made the same ${round === 1 ? 'call' : `${round} calls`} ${MOST_ROUNDS} times in a row: ${event.name}.`;
    },
  };
}

function isCircle(calls: readonly string[], length: number): boolean {
  const last = calls.slice(-length * MOST_ROUNDS);
  return last.length === length * MOST_ROUNDS && last.every((call, i) => call === last[i % length]);
}
