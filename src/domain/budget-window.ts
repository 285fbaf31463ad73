import { localDayAt, startOfLocalDay, type LocalDay } from './local-day.ts';
import type { Period } from './spec.ts';
import type { ZoneOffset } from './zone-offset.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 86_400_000;

/** Epoch milliseconds; `start` belongs to the window, `end` to the next one. */
export interface BudgetWindow {
  readonly start: number;
  readonly end: number;
}

/**
 * The window of a budget that an instant falls into. Days, weeks (from Monday) and months are those of the
 * calendar in `zone`, so a day is 23 or 25 hours long where clocks change. Hours are those of UTC: local
 * hours would overlap where clocks go back. Windows of one period never overlap and leave no gap.
 */
export function budgetWindowAt(
  { period, zone, at }: { period: Period; zone: string; at: number },
  zoneOffset: ZoneOffset,
): BudgetWindow {
  if (period === 'hour') {
    const start = Math.floor(at / HOUR_MS) * HOUR_MS;
    return { start, end: start + HOUR_MS };
  }

  const { first, next } = daysOf(period, localDayAt(at, zone, zoneOffset));
  return {
    start: startOfLocalDay(first, zone, zoneOffset),
    end: startOfLocalDay(next, zone, zoneOffset),
  };
}

function daysOf(
  period: Exclude<Period, 'hour'>,
  day: LocalDay,
): { first: LocalDay; next: LocalDay } {
  if (period === 'day') {
    return { first: day, next: day + 1 };
  }
  if (period === 'week') {
    // Day 0 was a Thursday, so Mondays are those with (day + 3) divisible by 7.
    const first = day - ((((day + 3) % 7) + 7) % 7);
    return { first, next: first + 7 };
  }
  const date = new Date(day * DAY_MS);
  const firstOf = (month: number): LocalDay => Date.UTC(date.getUTCFullYear(), month, 1) / DAY_MS;
  return { first: firstOf(date.getUTCMonth()), next: firstOf(date.getUTCMonth() + 1) };
}
