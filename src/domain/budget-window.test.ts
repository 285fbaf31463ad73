import * as fc from 'fast-check';
import { expect, test } from 'vitest';

import { budgetWindowAt } from './budget-window.ts';
import { localDayAt, parseLocalDay, startOfLocalDay } from './local-day.ts';
import type { Period } from './spec.ts';
import { createZoneOffset } from './zone-offset.ts';

const zoneOffset = createZoneOffset();

const utc = (text: string): number => Date.parse(text);
const hours = (from: number, to: number): number => (to - from) / 3_600_000;

function windowAt(period: Period, zone: string, at: string): { start: string; end: string } {
  const { start, end } = budgetWindowAt({ period, zone, at: utc(at) }, zoneOffset);
  return { start: new Date(start).toISOString(), end: new Date(end).toISOString() };
}

test('a day is 23 hours long where clocks go forward and 25 where they go back', () => {
  const zone = 'America/Los_Angeles';

  expect(windowAt('day', zone, '2026-03-08T20:00:00Z')).toEqual({
    start: '2026-03-08T08:00:00.000Z',
    end: '2026-03-09T07:00:00.000Z',
  });
  expect(windowAt('day', zone, '2026-11-01T20:00:00Z')).toEqual({
    start: '2026-11-01T07:00:00.000Z',
    end: '2026-11-02T08:00:00.000Z',
  });
});

test('a week begins on Monday, a month on its first, both at local midnight', () => {
  expect(windowAt('week', 'Europe/Berlin', '2026-10-25T12:00:00Z')).toEqual({
    start: '2026-10-18T22:00:00.000Z',
    end: '2026-10-25T23:00:00.000Z',
  });
  expect(windowAt('month', 'Asia/Kolkata', '2026-12-31T18:29:59Z')).toEqual({
    start: '2026-11-30T18:30:00.000Z',
    end: '2026-12-31T18:30:00.000Z',
  });
});

test('where clocks skip midnight the day begins after the gap', () => {
  const day = parseLocalDay('2024-03-31') ?? 0;

  expect(new Date(startOfLocalDay(day, 'Asia/Beirut', zoneOffset)).toISOString()).toBe(
    '2024-03-30T22:00:00.000Z',
  );
});

test('where midnight comes twice the day begins at the first', () => {
  const day = parseLocalDay('2024-11-03') ?? 0;
  const start = startOfLocalDay(day, 'America/Havana', zoneOffset);

  expect(hours(start, startOfLocalDay(day + 1, 'America/Havana', zoneOffset))).toBe(25);
});

test('only dates that exist are dates', () => {
  expect(parseLocalDay('1970-01-02')).toBe(1);
  expect(parseLocalDay('2026-02-30')).toBeUndefined();
  expect(parseLocalDay('2026-2-3')).toBeUndefined();
  expect(parseLocalDay('tomorrow')).toBeUndefined();
});

test('an instant is inside its window, and the next window begins where it ends', () => {
  const zones = [
    'UTC',
    'America/Los_Angeles',
    'America/Havana',
    'Asia/Beirut',
    'Asia/Kolkata',
    'Australia/Lord_Howe',
    'Pacific/Apia',
    'Pacific/Kiritimati',
  ];
  fc.assert(
    fc.property(
      fc.constantFrom<Period>('hour', 'day', 'week', 'month'),
      fc.constantFrom(...zones),
      fc.integer({ min: utc('2005-01-01'), max: utc('2040-01-01') }),
      (period, zone, at) => {
        const window = budgetWindowAt({ period, zone, at }, zoneOffset);
        const next = budgetWindowAt({ period, zone, at: window.end }, zoneOffset);

        expect(window.start).toBeLessThanOrEqual(at);
        expect(window.end).toBeGreaterThan(at);
        expect(next.start).toBe(window.end);
        expect(budgetWindowAt({ period, zone, at: window.start }, zoneOffset)).toEqual(window);
        expect(localDayAt(at, zone, zoneOffset)).toBeGreaterThanOrEqual(0);
      },
    ),
    { numRuns: 400 },
  );
});
