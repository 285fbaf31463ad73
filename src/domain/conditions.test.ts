import * as fc from 'fast-check';
import { expect, test } from 'vitest';

import {
  conditionProblems,
  findCondition,
  setCondition,
  summarizeReady,
  type Condition,
  type ConditionUpdate,
} from './conditions.ts';

const revision = 'c'.repeat(40);

const set = (updates: readonly ConditionUpdate[], now = 1): Condition[] =>
  updates.reduce<Condition[]>((list, update) => setCondition(list, update, now), []);

const valid: ConditionUpdate = {
  type: 'ConfigValid',
  status: 'True',
  reason: 'Valid',
  message: '',
  observedRevision: revision,
};
const fetched: ConditionUpdate = {
  type: 'SourceReady',
  status: 'True',
  reason: 'Fetched',
  message: '',
};
const stalled: ConditionUpdate = {
  type: 'Stalled',
  status: 'True',
  reason: 'ConfigInvalid',
  message: 'line 3',
};
const reconciling: ConditionUpdate = {
  type: 'Reconciling',
  status: 'True',
  reason: 'NewRevision',
  message: 'reading',
};

test('the time of the last transition moves only when the status does', () => {
  const first = set([valid], 10);
  const again = setCondition(first, { ...valid, reason: 'ValidWithWarnings' }, 20);
  const broken = setCondition(again, { ...valid, status: 'False', reason: 'ParseError' }, 30);

  expect(findCondition(again, 'ConfigValid')).toMatchObject({
    reason: 'ValidWithWarnings',
    lastTransitionTime: 10,
  });
  expect(findCondition(broken, 'ConfigValid')?.lastTransitionTime).toBe(30);
});

test('what says that something is amiss goes when it is over', () => {
  const list = set([stalled]);

  expect(setCondition(list, { ...stalled, status: 'False' }, 2)).toEqual([]);
});

test.each<[string, ConditionUpdate[], { status: string; reason: string }]>([
  ['all is well', [valid, fetched], { status: 'True', reason: 'Applied' }],
  ['stalled beats all', [reconciling, stalled], { status: 'False', reason: 'Stalled' }],
  [
    'a missing source',
    [{ ...fetched, status: 'False', reason: 'ConfigNotFound' }, valid],
    { status: 'False', reason: 'SourceNotReady' },
  ],
  [
    'a source that cannot be read for now',
    [{ ...fetched, status: 'False', reason: 'Unreachable' }, valid],
    { status: 'True', reason: 'Applied' },
  ],
  ['work under way', [valid, reconciling], { status: 'Unknown', reason: 'Progressing' }],
])('Ready follows: %s', (_, updates, expected) => {
  expect(summarizeReady(set(updates), { revision, stale: false })).toMatchObject(expected);
});

test('a source that could not be read for long makes Ready unknown', () => {
  expect(summarizeReady(set([valid]), { revision, stale: true })).toMatchObject({
    status: 'Unknown',
    reason: 'SourceStale',
  });
});

const ready: ConditionUpdate = {
  type: 'Ready',
  status: 'True',
  reason: 'Applied',
  message: '',
  observedRevision: revision,
};

test.each<[string, ConditionUpdate[]]>([
  ['Ready is missing', [valid]],
  ['Ready is True while Stalled is True', [ready, stalled]],
  ['Ready is True while Reconciling is True', [ready, reconciling]],
  ['Reconciling and Stalled exclude each other', [ready, reconciling, stalled]],
  ['Ready is Unknown although nothing is under way', [{ ...ready, status: 'Unknown' }]],
  [
    'ConfigValid was judged at another revision than Ready',
    [ready, { ...valid, observedRevision: 'old' }],
  ],
])('the checker finds: %s', (problem, updates) => {
  expect(conditionProblems(set(updates))).toContain(problem);
});

test('a summary of any conditions passes the checker', () => {
  const anyUpdates = fc.subarray<ConditionUpdate>([
    fetched,
    valid,
    { ...valid, status: 'False', reason: 'ParseError' },
    { ...fetched, status: 'False', reason: 'Unreachable' },
    { ...fetched, status: 'False', reason: 'TooLarge' },
    { type: 'SandboxAvailable', status: 'False', reason: 'ProbeFailed', message: '' },
  ]);
  const state = fc.constantFrom<ConditionUpdate[]>([], [stalled], [reconciling]);
  fc.assert(
    fc.property(anyUpdates, state, fc.boolean(), (updates, extra, stale) => {
      const list = set([...updates, ...extra]);

      const whole = setCondition(list, summarizeReady(list, { revision, stale }), 2);

      expect(conditionProblems(whole)).toEqual([]);
    }),
  );
});
