import { expect, test } from 'vitest';

import { formatDuration } from './duration.ts';

test.each([
  [-5, '0 ms'],
  [0, '0 ms'],
  [850, '850 ms'],
  [1000, '1 s'],
  [1540, '1.5 s'],
  [9960, '10 s'],
  [59_700, '1 m'],
  [192_000, '3 m 12 s'],
  [3_600_000, '1 h'],
  [3_601_000, '1 h'],
  [187_200_000, '2 d 4 h'],
])('%i ms reads as %s', (ms, text) => {
  expect(formatDuration(ms)).toBe(text);
});
