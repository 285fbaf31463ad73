import * as fc from 'fast-check';
import { expect, test } from 'vitest';

import { backoffMs } from './backoff.ts';

test('waits double from one second to a minute, at most a fifth longer each', () => {
  const waits = [1, 2, 3, 4, 5, 6, 7, 8, 100].map((failures) => backoffMs(failures, 'j_1'));

  const bases = [1, 2, 4, 8, 16, 32, 60, 60, 60].map((seconds) => seconds * 1000);
  waits.forEach((wait, i) => {
    expect(wait).toBeGreaterThanOrEqual(bases[i] ?? 0);
    expect(wait).toBeLessThanOrEqual((bases[i] ?? 0) * 1.2);
  });
});

test('the same job waits the same time, wherever and whenever it is asked', () => {
  fc.assert(
    fc.property(fc.nat(1000), fc.string(), (failures, seed) => {
      expect(backoffMs(failures, seed)).toBe(backoffMs(failures, seed));
    }),
  );
});

test('a thousand jobs that failed together come back spread out', () => {
  const waits = new Set(Array.from({ length: 1000 }, (_, id) => backoffMs(3, `j_${id}`)));

  expect(waits.size).toBeGreaterThan(400);
});
