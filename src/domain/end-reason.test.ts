import { expect, test } from 'vitest';

import { DECIDED_REASONS, describeReason, isJobReason } from './end-reason-text.ts';
import { END_REASONS, endReasonPolicy, isEndReason } from './end-reason.ts';

test.each(END_REASONS)('%s is retried exactly when its next step is a retry', (reason) => {
  const policy = endReasonPolicy(reason);

  expect(policy.retry).toBe(policy.next === 'retry');
});

test('waiting for a provider or an answer never uses up an attempt', () => {
  const uncounted = END_REASONS.filter((reason) => !endReasonPolicy(reason).countsAttempt);

  expect(uncounted).toEqual([
    'question',
    'rate_limited',
    'provider_auth',
    'provider_overloaded',
    'cancelled',
    'superseded',
    'sandbox',
  ]);
});

test.each([...END_REASONS, ...DECIDED_REASONS])('%s has a sentence for people', (reason) => {
  const { sentence } = describeReason(reason);

  expect(sentence).toMatch(/^[A-Z].*\.$/);
});

test.each(END_REASONS.filter((reason) => endReasonPolicy(reason).notify))(
  '%s tells people, so it also tells what to do',
  (reason) => {
    expect(describeReason(reason).remedy).toBeTruthy();
  },
);

test('names from outside are recognised without reaching into the prototype', () => {
  expect(isEndReason('lost')).toBe(true);
  expect(isEndReason('constructor')).toBe(false);
  expect(isJobReason('stale')).toBe(true);
  expect(isJobReason('constructor')).toBe(false);
});
