import { expect, test } from 'vitest';

import { parseTraceRef } from './trace-ref.ts';

test.each([
  ['j_12', { kind: 'job', id: 12 }],
  ['g_3', { kind: 'gate', id: 3 }],
  ['!4', { kind: 'merge_request', number: 4 }],
  ['0A1b2c3', { kind: 'commit', prefix: '0a1b2c3' }],
  ['./autodev.yaml:12', { kind: 'line', file: './autodev.yaml', line: 12 }],
])('%s is understood', (text, ref) => {
  expect(parseTraceRef(text)).toEqual(ref);
});

test.each([
  '',
  'j_0',
  'j_1x',
  '!0',
  '0a1b2c',
  'abcdefg',
  'autodev.yaml',
  'autodev.yaml:0',
  'src/a.ts:3',
])('%j is nothing that can be traced', (text) => {
  expect(parseTraceRef(text)).toBeUndefined();
});
