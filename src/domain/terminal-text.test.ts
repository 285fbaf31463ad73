import * as fc from 'fast-check';
import { expect, test } from 'vitest';

import { terminalText } from './terminal-text.ts';

test.each([
  ['colours', '\u001b[1;31mred\u001b[0m', 'red'],
  ['a cleared screen', 'a\u001b[2J\u001b[Hb', 'ab'],
  ['a title', '\u001b]0;gotcha\u0007x', 'x'],
  ['a clipboard write', '\u001b]52;c;AAAA\u001b\\x', 'x'],
  ['an 8-bit sequence', '\u009b31mx', 'x'],
  ['an unfinished title', '\u001b]0;gotcha\nnext', '\nnext'],
  ['an overwritten line', 'approved\rrejected', 'approved\nrejected'],
  ['Windows line ends', 'a\r\nb', 'a\nb'],
  ['reordered text', 'a\u202eb\u2066c', 'abc'],
  ['a bell and a backspace', 'a\u0007\u0008b', 'ab'],
])('%s cannot reach a terminal', (_, text, expected) => {
  expect(terminalText(text)).toBe(expected);
});

test('ordinary text stays as it is', () => {
  expect(terminalText('Grüße\t👍\n日本語')).toBe('Grüße\t👍\n日本語');
});

test('nothing that controls a terminal survives, and a second time changes nothing', () => {
  const piece = fc.constantFrom(
    '\u001b',
    '[',
    ']',
    '0;',
    'm',
    '\u0007',
    '\u009b',
    '\\',
    'a',
    '\n',
    '\r',
    '\u009c',
  );
  fc.assert(
    fc.property(fc.array(fc.oneof(piece, fc.string({ unit: 'binary' }))), (pieces) => {
      const clean = terminalText(pieces.join(''));

      // oxlint-disable-next-line no-control-regex -- control characters are what is looked for
      expect(clean).not.toMatch(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/u);
      expect(terminalText(clean)).toBe(clean);
    }),
    { numRuns: 2000 },
  );
});
