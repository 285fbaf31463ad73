import { expect, test } from 'vitest';

import {
  canMove,
  isFinal,
  isJobState,
  isWaitReason,
  JOB_STATES,
  jobStateCode,
  jobStateOf,
} from './job-state.ts';

test('every state has a code of its own that reads back as that state', () => {
  const codes = JOB_STATES.map(jobStateCode);

  expect(codes).toEqual([2, 0, 1, 3, 4, 10, 11, 12, 13]);
  expect(codes.map(jobStateOf)).toEqual([...JOB_STATES]);
});

test('a code that no state has is a bug, not a state', () => {
  expect(() => jobStateOf(9)).toThrow('no job state has the code 9');
});

test('nothing leaves a final state and every other state leads to one', () => {
  const reachable = (from: (typeof JOB_STATES)[number], seen = new Set<string>()): Set<string> => {
    for (const to of JOB_STATES) {
      if (canMove(from, to) && !seen.has(to)) {
        seen.add(to);
        reachable(to, seen);
      }
    }
    return seen;
  };

  for (const state of JOB_STATES) {
    const next = [...reachable(state)];
    expect(next.length === 0).toBe(isFinal(state));
    expect(isFinal(state) || next.some((to) => isJobState(to) && isFinal(to))).toBe(true);
  }
});

test.each([
  ['waiting', 'queued'],
  ['queued', 'running'],
  ['running', 'publishing'],
  ['running', 'waiting'],
  ['publishing', 'review'],
  ['publishing', 'waiting'],
  ['review', 'succeeded'],
  ['review', 'rejected'],
] as const)('a job may go from %s to %s', (from, to) => {
  expect(canMove(from, to)).toBe(true);
});

test.each([
  ['waiting', 'running'],
  ['running', 'review'],
  ['review', 'running'],
  ['succeeded', 'queued'],
  ['queued', 'queued'],
] as const)('a job may not go from %s to %s', (from, to) => {
  expect(canMove(from, to)).toBe(false);
});

test('names from outside are recognised without reaching into the prototype', () => {
  expect(isJobState('review')).toBe(true);
  expect(isJobState('toString')).toBe(false);
  expect(isWaitReason('cooldown')).toBe(true);
  expect(isWaitReason('sleepy')).toBe(false);
});
