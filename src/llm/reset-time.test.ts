import { expect, test } from 'vitest';

import { resetTime } from './reset-time.ts';

const NOW = new Date('2026-11-22T15:00:20Z');

test.for([
  ['Please try again in 3.1s. Visit a page.', '2026-11-22T15:00:23.100Z'],
  ['Please try again in 250ms.', '2026-11-22T15:00:20.250Z'],
  ['try again in 2m', '2026-11-22T15:02:20.000Z'],
  ['purchase more credits or try again at 4:28 PM.', '2026-11-22T16:29:00.000Z'],
  ['resets 4:34pm (UTC)', '2026-11-22T16:35:00.000Z'],
  ['resets 4am (UTC)', '2026-11-23T04:01:00.000Z'],
  ['try again at 12:05 AM', '2026-11-23T00:06:00.000Z'],
  ['try again at 12:05 PM', '2026-11-23T12:06:00.000Z'],
  ['try again at Nov 25th, 2026 4:15 AM.', '2026-11-25T04:16:00.000Z'],
  ['try again at Jan 2nd 4:15 AM.', '2027-01-02T04:16:00.000Z'],
] as const)('%s', ([text, expected]) => {
  expect(new Date(resetTime(text, NOW) ?? 0).toISOString()).toBe(expected);
});

test('the minute of now is not tomorrow', () => {
  expect(resetTime('try again at 3:00 PM', NOW)).toBe(Date.parse('2026-11-22T15:01:00Z'));
});

test('what says no time has none', () => {
  for (const text of [
    '',
    'exceeded retry limit',
    'try again later',
    'try again at Foo 3rd 4:15 AM',
  ]) {
    expect(resetTime(text, NOW)).toBeUndefined();
  }
});
