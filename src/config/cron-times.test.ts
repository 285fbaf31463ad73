import { expect, test } from 'vitest';

import { createCronTimes } from './cron-times.ts';

const at = (text: string): number => Date.parse(text);

test('the next time is in the zone, across the change to daylight saving', () => {
  const next = createCronTimes();

  expect(next('30 9 * * *', 'Europe/Berlin', at('2026-03-28T12:00:00Z'))).toBe(
    at('2026-03-29T07:30:00Z'),
  );
});

test('an instant between two occurrences and one before the remembered range are both answered rightly', () => {
  const next = createCronTimes();
  const nine = at('2026-11-22T09:00:00Z');

  expect(next('0 9 * * *', 'UTC', nine)).toBe(at('2026-11-23T09:00:00Z'));
  expect(next('0 9 * * *', 'UTC', nine + 60_000)).toBe(at('2026-11-23T09:00:00Z'));
  expect(next('0 9 * * *', 'UTC', nine - 1)).toBe(nine);
});

test('a pattern that never comes has no next time', () => {
  expect(createCronTimes()('0 0 30 2 *', 'UTC', at('2026-11-22T00:00:00Z'))).toBeUndefined();
});
