import { expect, test } from 'vitest';

import { automaticRound } from './automatic-round.ts';
import { HEAD, OTHER, request } from './forge-scenarios.ts';

const failed = { sha: HEAD, status: 'failed' };
const round = {
  kind: 'changes' as const,
  author: 'autodev',
  text: '',
  at: '2026-03-02T09:00:00Z',
};

test('a failed pipeline sends work back where it is the check', () => {
  const read = request({ pipeline: failed });

  expect(automaticRound(read, { check: 'pipeline', input: [] })).toContain('pipeline');
  expect(automaticRound(read, { check: ['npm test'], input: [] })).toBeUndefined();
  expect(
    automaticRound(request({ pipeline: { ...failed, sha: OTHER } }), {
      check: 'pipeline',
      input: [],
    }),
  ).toBeUndefined();
});

test('a conflict sends work back', () => {
  expect(automaticRound(request({ against: 'conflict' }), { check: [], input: [] })).toContain(
    'conflicts with main',
  );
});

test('after three rounds, and on what people hold back, nothing happens by itself', () => {
  const against = 'conflict';

  expect(
    automaticRound(request({ against }), { check: [], input: [round, round, round] }),
  ).toBeUndefined();
  expect(
    automaticRound(request({ against }), {
      check: [],
      input: [round, { ...round, author: 'ann' }],
    }),
  ).toBeDefined();
  expect(
    automaticRound(request({ against, draft: true }), { check: [], input: [] }),
  ).toBeUndefined();
  expect(
    automaticRound(request({ against, state: 'merged' }), { check: [], input: [] }),
  ).toBeUndefined();
});
