import type { ZoneOffset } from './zone-offset.ts';

const DAY_MS = 86_400_000;

/** A calendar date as a count of days since 1970-01-01; Thursday is day 0. */
export type LocalDay = number;

/** The date that clocks in `zone` show at an instant. */
export function localDayAt(at: number, zone: string, zoneOffset: ZoneOffset): LocalDay {
  return Math.floor((at + zoneOffset(at, zone)) / DAY_MS);
}

/** The date written as YYYY-MM-DD, or undefined when there is no such date. */
export function parseLocalDay(text: string): LocalDay | undefined {
  const match = /^(\d{4})-(\d{2})-(\d{2})$/.exec(text);
  const at = match ? Date.parse(`${text}T00:00:00Z`) : Number.NaN;
  // Date.parse may roll 30 February over into March.
  const exists = !Number.isNaN(at) && new Date(at).toISOString().startsWith(text);
  return exists ? at / DAY_MS : undefined;
}

/**
 * The first instant of a date in `zone`. Where clocks skip midnight it is the first instant after the gap;
 * where midnight comes twice, the first of the two.
 */
export function startOfLocalDay(day: LocalDay, zone: string, zoneOffset: ZoneOffset): number {
  const midnight = day * DAY_MS;
  // No zone is further than a day from UTC, so the answer lies between these two.
  let before = midnight - DAY_MS;
  let after = midnight + DAY_MS;

  const candidates = [before, after]
    .map((probe) => midnight - zoneOffset(probe, zone))
    .filter((at) => at + zoneOffset(at, zone) === midnight);
  if (candidates.length > 0) {
    return Math.min(...candidates);
  }

  while (after - before > 1) {
    const middle = Math.floor((before + after) / 2);
    if (middle + zoneOffset(middle, zone) < midnight) {
      before = middle;
    } else {
      after = middle;
    }
  }
  return after;
}
