import { assert, nat, property, record } from 'fast-check';
import { expect, test } from 'vitest';

import { addUsage, NO_TOKENS, usageSince } from './usage-since.ts';

const tokens = record({
  input: nat(),
  cachedInput: nat(),
  cacheWrite: nat(),
  output: nat(),
  reasoning: nat(),
});

test('what was added to a total is what was used since', () => {
  assert(
    property(tokens, tokens, (before, used) => {
      expect(usageSince(before, addUsage(before, used))).toEqual(used);
    }),
  );
});

test('a total that began anew is all new', () => {
  const before = { ...NO_TOKENS, input: 3600, output: 135 };
  const total = { ...NO_TOKENS, input: 1200, output: 45 };

  expect(usageSince(before, total)).toEqual(total);
});
