import * as fc from 'fast-check';
import { expect, test } from 'vitest';

import type { HintSubject } from './hint.ts';
import { hintKey, isRef, parseHint } from './hint.ts';

const id = fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER });
const subjects: fc.Arbitrary<HintSubject> = fc.oneof(
  fc.record({ kind: fc.constantFrom('issue', 'merge_request'), number: id }),
  fc.record({
    kind: fc.constant('note'),
    on: fc.constantFrom('issue', 'merge_request'),
    number: id,
    id,
  }),
  fc.record({ kind: fc.constant('pipeline'), id }),
  fc.record({
    kind: fc.constant('ref'),
    ref: fc
      .string({ minLength: 1, maxLength: 60 })
      .map((name) => `refs/heads/${name}`)
      .filter(isRef),
  }),
);

test('a subject and its key are the same thing', () => {
  fc.assert(
    fc.property(subjects, (subject) => {
      expect(parseHint(hintKey(subject))).toEqual(subject);
    }),
  );
});

test('whatever is no key is no subject', () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      const subject = parseHint(text);

      expect(subject === undefined || hintKey(subject) === text).toBe(true);
    }),
  );
});

test.each([
  'main',
  'refs/heads/',
  'refs/heads/a b',
  'refs/heads/a..b',
  'refs/heads/a\n',
  'refs/notes/x',
])('%j is no ref that anybody could push', (ref) => {
  expect(isRef(ref)).toBe(false);
});

test.each(['refs/heads/main', 'refs/tags/v1.0.0', 'refs/heads/autodev/j_1', 'refs/heads/ünïcode'])(
  '%s is a ref',
  (ref) => {
    expect(isRef(ref)).toBe(true);
  },
);
