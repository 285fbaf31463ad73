import { expect, test } from 'vitest';

import { checkHandOff } from './hand-off.ts';

const head = 'a'.repeat(40);

test('work may be handed on, one level deeper', () => {
  expect(
    checkHandOff({ to: 'builder', head, chain: [{ agent: 'bug-finder', head }], children: 0 }),
  ).toEqual({ ok: true, depth: 1 });
});

test.each([
  [3, true],
  [4, false],
])('a chain of %i jobs may hand on: %s', (length, ok) => {
  const chain = Array.from({ length }, () => ({ agent: 'pm', head: undefined }) as const);

  expect(checkHandOff({ to: 'builder', head, chain, children: 0 })).toMatchObject(
    ok ? { ok } : { ok, code: 'too_deep' },
  );
});

test('a fourth child is one too many', () => {
  const chain = [{ agent: 'pm', head }] as const;

  expect(checkHandOff({ to: 'builder', head, chain, children: 2 }).ok).toBe(true);
  expect(checkHandOff({ to: 'builder', head, chain, children: 3 })).toMatchObject({
    code: 'too_many',
  });
});

test('the same agent at the same head is a cycle, at a new head it is not', () => {
  const chain = [
    { agent: 'builder', head },
    { agent: 'reviewer', head },
  ] as const;

  expect(checkHandOff({ to: 'builder', head, chain, children: 0 })).toMatchObject({
    code: 'cycle',
  });
  expect(checkHandOff({ to: 'builder', head: 'b'.repeat(40), chain, children: 0 }).ok).toBe(true);
});
