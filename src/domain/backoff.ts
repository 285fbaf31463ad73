import { stableFraction } from './stable-hash.ts';

const FIRST_MS = 1000;
const LAST_MS = 60_000;
/** Jobs that failed together must not come back together. */
const SPREAD = 0.2;

/**
 * How long to wait before try number `failures + 1`: 1, 2, 4 … 60 seconds, plus up to a fifth that depends
 * on `seed` (a job's id) and the count alone, so that a decision that is made again is the same one.
 *
 * @param failures how many tries have failed; below 1 counts as 1
 * @returns whole milliseconds
 */
export function backoffMs(failures: number, seed: string): number {
  const base = Math.min(FIRST_MS * 2 ** (Math.max(1, failures) - 1), LAST_MS);
  return Math.round(base * (1 + SPREAD * stableFraction(`${seed}#${failures}`)));
}
