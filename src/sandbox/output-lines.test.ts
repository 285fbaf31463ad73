import { array, assert, constantFrom, integer, property, string } from 'fast-check';
import { expect, test } from 'vitest';

import { lineSplitter } from './output-lines.ts';
import type { OutputLine } from './sandbox.ts';

function split(chunks: readonly Buffer[], maxLineBytes: number): OutputLine[] {
  const lines: OutputLine[] = [];
  const splitter = lineSplitter({ stream: 'stdout', maxLineBytes }, (line) => lines.push(line));
  for (const chunk of chunks) {
    splitter.push(chunk);
  }
  splitter.end();
  return lines;
}

test('the lines do not depend on how the bytes came', () => {
  const texts = array(constantFrom('a', 'ö', '𝄞', '\n', '\n\n', 'word ')).map((all) =>
    all.join(''),
  );

  assert(
    property(texts, integer({ min: 1, max: 7 }), (text, size) => {
      const bytes = Buffer.from(text);
      const chunks = Array.from({ length: Math.ceil(bytes.length / size) }, (_, index) =>
        bytes.subarray(index * size, (index + 1) * size),
      );

      const expected = text.endsWith('\n') ? text.slice(0, -1) : text;
      expect(split(chunks, 1000).map((line) => line.text)).toEqual(
        text === '' ? [] : expected.split('\n'),
      );
    }),
  );
});

test('of a long line only the beginning is kept, marked, and the next line is whole', () => {
  expect(split([Buffer.from('12345'), Buffer.from('67890\nnext')], 4)).toEqual([
    { stream: 'stdout', text: '1234 … [line cut at 4 bytes]', cut: true },
    { stream: 'stdout', text: 'next', cut: false },
  ]);
});

test('no line is longer than its bound and mark', () => {
  assert(
    property(array(string()), integer({ min: 1, max: 20 }), (texts, bound) => {
      const mark = ` … [line cut at ${bound} bytes]`;
      for (const { text } of split(
        texts.map((each) => Buffer.from(each)),
        bound,
      )) {
        expect(text.length).toBeLessThanOrEqual(bound + mark.length);
      }
    }),
  );
});

test('Windows line ends are line ends', () => {
  expect(split([Buffer.from('a\r\nb\r\n')], 10).map(({ text }) => text)).toEqual(['a', 'b']);
});
