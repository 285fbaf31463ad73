import * as fc from 'fast-check';
import { expect, test } from 'vitest';

import type { Output } from './output.ts';
import { checkOutputs, deriveMergeRequest, type OutputContext } from './outputs.ts';
import type { Allow } from './spec.ts';

const mergeRequest: Output = { type: 'merge_request', title: 'Fix', description: 'Why' };
const comment: Output = { type: 'comment', body: 'Seen.' };

function context(change: Partial<OutputContext> = {}): OutputContext {
  const allow: Allow = {
    merge_request: { max: 1, maxPatchBytes: 1000 },
    comment: { max: 2 },
    hand_off: { max: 3, agents: ['reviewer'] },
    issue: { max: 3, labels: ['bug'] },
    review: { max: 1 },
    noop: { max: 1 },
  };
  return { allow, subject: 'issue', patchBytes: 10, repos: [], ...change };
}

function check(outputs: readonly Output[], change: Partial<OutputContext> = {}) {
  return checkOutputs(
    outputs.map((output, i) => ({ line: i + 1, output })),
    context(change),
  );
}

test('outputs within what the agent may do are accepted with their lines', () => {
  const { accepted, refusals } = check([mergeRequest, comment]);

  expect(accepted.map(({ line }) => line)).toEqual([1, 2]);
  expect(refusals).toEqual([]);
});

test('the surplus of a type is refused by line, what came first is kept', () => {
  const { accepted, refusals } = check([comment, comment, comment]);

  expect(accepted.length).toBe(2);
  expect(refusals).toEqual([
    {
      line: 3,
      code: 'too_many',
      message: 'More than 2 of comment.',
      remedy: 'Raise it: allow: { comment: { max: 3 } }',
    },
  ]);
});

test.each<[string, Output, Partial<OutputContext>]>([
  ['type_not_allowed', { type: 'memory', kind: 'fact', text: 'x' }, {}],
  ['no_change', mergeRequest, { patchBytes: 0 }],
  ['patch_too_large', mergeRequest, { patchBytes: 1001 }],
  ['no_subject', comment, { subject: 'none' }],
  ['subject_kind', { type: 'review', verdict: 'comment', summary: 'x' }, { subject: 'issue' }],
  ['agent_not_allowed', { type: 'hand_off', agent: 'pm', title: 't', task: 't' }, {}],
  [
    'repo_not_allowed',
    { type: 'hand_off', agent: 'reviewer', title: 't', task: 't', repo: 'a/b' },
    {},
  ],
  ['label_not_allowed', { type: 'issue', title: 't', description: 'd', labels: ['urgent'] }, {}],
])('refused with %s and a remedy', (code, output, change) => {
  const { accepted, refusals } = check([output], change);

  expect(accepted).toEqual([]);
  expect(refusals).toMatchObject([{ line: 1, code }]);
  expect(refusals[0]?.remedy).not.toBe('');
});

test('a comment may name its target where the job has no subject', () => {
  const named: Output = { type: 'comment', body: 'x', target: 'issue:3' };

  expect(check([named], { subject: 'none' }).refusals).toEqual([]);
});

test('changed files without any output become a merge request titled after the task', () => {
  const base = {
    lines: [],
    patchBytes: 10,
    allow: context().allow,
    title: 'Fix total()\n\nIt is NaN.',
  };

  expect(deriveMergeRequest(base)).toEqual({
    type: 'merge_request',
    title: 'Fix total()',
    description: 'Fix total()\n\nIt is NaN.',
  });
  expect(deriveMergeRequest({ ...base, patchBytes: 0 })).toBeUndefined();
  expect(deriveMergeRequest({ ...base, allow: {} })).toBeUndefined();
  expect(deriveMergeRequest({ ...base, lines: [{ line: 1, output: comment }] })).toBeUndefined();
});

test('never more of a type is accepted than allowed, and every line gets an answer', () => {
  const anyOutput = fc.constantFrom<Output>(
    mergeRequest,
    comment,
    { type: 'noop', reason: 'x' },
    { type: 'question', text: 'x' },
  );
  fc.assert(
    fc.property(fc.array(anyOutput, { maxLength: 30 }), (outputs) => {
      const { accepted, refusals } = check(outputs);

      const count = (type: string): number =>
        accepted.filter(({ output }) => output.type === type).length;
      expect(accepted.length + refusals.length).toBe(outputs.length);
      expect(count('merge_request')).toBeLessThanOrEqual(1);
      expect(count('comment')).toBeLessThanOrEqual(2);
      expect(count('question')).toBe(0);
    }),
  );
});
