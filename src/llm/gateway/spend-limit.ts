import type { Spend } from '../../domain/budget.ts';

/** What a call in flight may come to. */
export interface Hold {
  /** With the estimated input and all the output that it may have. */
  readonly likely: Spend;
  /** With an input that no estimate can fall short of. */
  readonly most: Spend;
}

const UNITS = ['microUsd', 'tokens'] as const;

/**
 * Whether one more call may start beside those in flight. Of all of them one may turn out as dear as it can beyond
 * its estimate, not each: so what is spent in the end is at most the grant and one call's estimation error, however
 * many run side by side. A call that is alone is let in on its estimate.
 */
export function fits(
  { grant, spent, holds }: { grant: Spend; spent: Spend; holds: Iterable<Hold> },
  next: Hold,
): boolean {
  const all = [...holds, next];
  return UNITS.every((unit) => {
    let most = spent[unit];
    let widest = 0;
    for (const hold of all) {
      most += hold.most[unit];
      widest = Math.max(widest, hold.most[unit] - hold.likely[unit]);
    }
    return most - widest <= grant[unit];
  });
}

/** The largest whole number from `least` to `wanted` that `isAffordable` takes; undefined when it takes none. */
export function largestAffordable(
  { least, wanted }: { least: number; wanted: number },
  isAffordable: (amount: number) => boolean,
): number | undefined {
  if (!isAffordable(least)) {
    return undefined;
  }
  let [low, high] = [least, wanted];
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (isAffordable(middle)) {
      low = middle;
    } else {
      high = middle - 1;
    }
  }
  return low;
}
