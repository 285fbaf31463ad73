import { expect, test } from 'vitest';

import { validate } from './outputs-validator.generated.js';

test.each([
  { type: 'merge_request', title: 'Fix it', description: 'Why.' },
  {
    type: 'review',
    verdict: 'comment',
    summary: 'Good.',
    comments: [{ path: 'a', line: 1, body: 'x' }],
  },
  { type: 'comment', body: 'x', target: 'issue:12' },
  { type: 'comment', body: 'x' },
  { type: 'issue', title: 'x', description: 'y', labels: ['bug'] },
  { type: 'hand_off', agent: 'builder', title: 'x', task: 'y' },
  { type: 'memory', kind: 'fact', text: 'x' },
  { type: 'question', text: 'x' },
  { type: 'noop', reason: 'x' },
])('$type is accepted', (output) => {
  expect(validate(output)).toBe(true);
});

test.each([
  ['no type', {}],
  ['an unknown type', { type: 'shell', run: 'x' }],
  ['an approval', { type: 'review', verdict: 'approve', summary: 'x' }],
  ['a key too many', { type: 'noop', reason: 'x', sudo: true }],
  ['a title over two lines', { type: 'issue', title: 'a\nb', description: 'x' }],
  ['a title that is too long', { type: 'issue', title: 'a'.repeat(256), description: 'x' }],
  ['a body that is too long', { type: 'comment', body: 'a'.repeat(32_001) }],
  ['another target', { type: 'comment', body: 'x', target: 'project:1' }],
  [
    'an absolute path',
    {
      type: 'review',
      verdict: 'comment',
      summary: 'x',
      comments: [{ path: '/etc/passwd', line: 1, body: 'x' }],
    },
  ],
  ['a list', []],
  ['a text', 'noop'],
  ['null', null],
])('%s is refused', (_, output) => {
  expect(validate(output)).toBe(false);
});

test('characters outside the basic plane count as one, as people count', () => {
  expect(validate({ type: 'issue', title: '🙂'.repeat(255), description: 'x' })).toBe(true);
});
