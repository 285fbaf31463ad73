import { expect, test } from 'vitest';

import { loopWatch } from './loop-watch.ts';

function see(calls: readonly string[]): string | undefined {
  const watch = loopWatch();
  return calls
    .map((detail, i) =>
      watch.see({ type: 'tool', phase: 'began', id: String(i), name: 'Bash', detail }),
    )
    .find((said) => said !== undefined);
}

test('the same call twelve times in a row is a loop, eleven times is not', () => {
  expect(see(Array.from({ length: 12 }, () => 'npm test'))).toContain('the same call 12 times');
  expect(see(Array.from({ length: 11 }, () => 'npm test'))).toBeUndefined();
});

test('so are two or three calls that take turns', () => {
  expect(see(Array.from({ length: 36 }, (_, i) => `step ${i % 3}`))).toContain('the same 3 calls');
});

test('whoever changes something between its calls is not in a loop', () => {
  const calls = Array.from({ length: 60 }, (_, i) => (i % 2 === 0 ? 'npm test' : `edit ${i}`));

  expect(see(calls)).toBeUndefined();
});
