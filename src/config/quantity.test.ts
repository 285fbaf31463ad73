import * as fc from 'fast-check';
import { expect, test } from 'vitest';

import { formatQuantity, parseQuantity } from './quantity.ts';
import type { QuantityKind } from './quantity.ts';

test.each<[QuantityKind, string | number, number]>([
  ['tokens', '2M', 2_000_000],
  ['tokens', '2_000_000', 2_000_000],
  ['tokens', '400k', 400_000],
  ['tokens', '1.5M', 1_500_000],
  ['tokens', 250_000, 250_000],
  ['usd', '$3', 3_000_000],
  ['usd', 3, 3_000_000],
  ['usd', '3.50', 3_500_000],
  ['usd', 0.1, 100_000],
  ['duration', '45m', 2_700_000],
  ['duration', '7d', 604_800_000],
  ['duration', '1h30m', 5_400_000],
  ['duration', '500ms', 500],
  ['duration', '2w', 1_209_600_000],
  ['bytes', '512KiB', 524_288],
  ['bytes', '4GiB', 4_294_967_296],
  ['percent', '80%', 0.8],
  ['percent', '12.5%', 0.125],
])('%s %j is read as %d', (kind, text, amount) => {
  expect(parseQuantity(kind, text)).toBe(amount);
});

test.each<[QuantityKind, string | number]>([
  ['tokens', '2G'],
  ['tokens', '-1'],
  ['tokens', ''],
  ['usd', '3€'],
  ['usd', '1e9'],
  ['duration', 45],
  ['duration', '45'],
  ['duration', '45 m'],
  ['duration', '1h30'],
  ['bytes', '4GB'],
  ['bytes', 4],
  ['percent', '101%'],
  ['percent', '0.8'],
  ['tokens', '99999999999999999999'],
])('%s %j is refused', (kind, text) => {
  expect(parseQuantity(kind, text)).toBeUndefined();
});

test('what is printed is read back as the same number', () => {
  const kinds = fc.constantFrom<QuantityKind>('tokens', 'usd', 'duration', 'bytes');

  fc.assert(
    fc.property(kinds, fc.nat({ max: 2 ** 50 }), (kind, amount) => {
      expect(parseQuantity(kind, formatQuantity(kind, amount))).toBe(amount);
    }),
  );
});

test('a share is printed and read back', () => {
  fc.assert(
    fc.property(fc.nat({ max: 10_000 }), (basisPoints) => {
      const share = basisPoints / 10_000;

      expect(parseQuantity('percent', formatQuantity('percent', share))).toBeCloseTo(share, 12);
    }),
  );
});
