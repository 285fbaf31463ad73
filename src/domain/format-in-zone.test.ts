import { expect, test } from 'vitest';

import { formatInZone } from './format-in-zone.ts';
import { createZoneOffset } from './zone-offset.ts';

test.each([
  ['2026-11-23T10:30:00Z', 'America/Los_Angeles', 'Mon 2026-11-23 02:30 -08:00'],
  ['2026-07-01T10:30:00Z', 'America/Los_Angeles', 'Wed 2026-07-01 03:30 -07:00'],
  ['2026-12-31T20:00:00Z', 'Asia/Kolkata', 'Fri 2027-01-01 01:30 +05:30'],
  ['2026-01-04T02:30:59.999Z', 'UTC', 'Sun 2026-01-04 02:30 +00:00'],
])('%s in %s', (at, zone, text) => {
  const zoneOffset = createZoneOffset();

  expect(formatInZone({ zoneOffset }, Date.parse(at), zone)).toBe(`${text} ${zone}`);
});

test('the two hours that are one on the clock are told apart by their offsets', () => {
  const zoneOffset = createZoneOffset();
  const first = Date.parse('2026-10-25T00:30:00Z');

  const shown = [first, first + 3_600_000].map((at) =>
    formatInZone({ zoneOffset }, at, 'Europe/Berlin'),
  );

  expect(shown).toEqual([
    'Sun 2026-10-25 02:30 +02:00 Europe/Berlin',
    'Sun 2026-10-25 02:30 +01:00 Europe/Berlin',
  ]);
});
