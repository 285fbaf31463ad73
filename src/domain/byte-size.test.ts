import { expect, test } from 'vitest';

import { formatByteSize } from './byte-size.ts';

test.each([
  [0, '0 B'],
  [1000, '1000 B'],
  [1024, '1 KiB'],
  [1536, '1.5 KiB'],
  [1024 ** 2 - 1, '1 MiB'],
  [200_000_000, '190.7 MiB'],
  [4 * 1024 ** 3, '4 GiB'],
])('%i bytes are %s', (bytes, text) => {
  expect(formatByteSize(bytes)).toBe(text);
});
