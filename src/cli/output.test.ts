import { expect, test } from 'vitest';

import { createOutput, oneLine, plain } from './output.ts';
import { fieldList, textTable } from './text-table.ts';

function setup(options: { json?: boolean; isTTY?: boolean; env?: NodeJS.ProcessEnv } = {}) {
  const written = { stdout: '', stderr: '' };
  const output = createOutput({
    json: options.json ?? false,
    env: options.env ?? {},
    stdout: { isTTY: options.isTTY, columns: 20, write: (text) => (written.stdout += text) },
    stderr: { write: (text) => (written.stderr += text) },
  });
  return { output, written };
}

test('with JSON, standard output holds the answer alone', () => {
  const { output, written } = setup({ json: true });

  output.say('working');
  output.answer({ id: 'j_1' }, () => 'done');

  expect(written).toEqual({ stdout: '{\n  "id": "j_1"\n}\n', stderr: 'working\n' });
});

test('without JSON people read both on standard output, warnings beside it', () => {
  const { output, written } = setup();

  output.say('working');
  output.answer({}, () => 'done');
  output.warn('careful');

  expect(written).toEqual({ stdout: 'working\ndone\n', stderr: 'careful\n' });
});

test.for([
  [{ isTTY: true }, true],
  [{ isTTY: false }, false],
  [{ isTTY: true, env: { NO_COLOR: '1' } }, false],
  [{ isTTY: true, env: { NO_COLOR: '' } }, true],
  [{ isTTY: true, env: { TERM: 'dumb' } }, false],
  [{ isTTY: false, env: { FORCE_COLOR: '1' } }, true],
  [{ isTTY: true, json: true }, false],
] as const)('colours with %j: %s', ([options, isColored]) => {
  const { output } = setup(options);

  expect(output.paint('red', 'x') !== 'x').toBe(isColored);
});

test('text of others cannot steer the terminal', () => {
  expect(plain('a\u001b[2Jb\u202ec\r\n\td\u009b')).toBe('a�[2Jb�c�\n\td�');
  expect(oneLine(' a\n\tb ')).toBe('a b');
});

test('columns are as wide as their widest cell, colours aside', () => {
  const table = textTable(
    ['A', 'B'],
    [
      ['\u001b[31mlong\u001b[39m', 'x'],
      ['s', 'y'],
    ],
  );

  expect(table).toBe('A     B\n\u001b[31mlong\u001b[39m  x\ns     y');
});

test('a line that is too wide for the terminal is cut', () => {
  const table = textTable(['A'], [['abcdefghij']], { columns: 5 });

  expect(table).toBe('A\nabcd…');
});

test('fields without a value are left out', () => {
  expect(
    fieldList([
      ['a', '1'],
      ['long', '2'],
      ['none', null],
      ['empty', ''],
    ]),
  ).toBe('a     1\nlong  2');
});
