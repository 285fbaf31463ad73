import * as fc from 'fast-check';
import { expect, test } from 'vitest';

import { decideAfterAttempt, decideAfterEffects, MOST_UNCOUNTED } from './attempt-outcome.ts';
import type { EndedAttempt } from './attempt-outcome.ts';
import { END_REASONS } from './end-reason.ts';
import { canMove } from './job-state.ts';

const DAY = 86_400_000;

function ended(change: Partial<EndedAttempt> & Pick<EndedAttempt, 'reason'>): EndedAttempt {
  return {
    jobId: 'j_7',
    attempts: 0,
    uncounted: 0,
    repeats: 0,
    limits: { attempts: 3, lifetimeMs: 7 * DAY },
    hasEffects: false,
    createdAt: 0,
    now: 1000,
    ...change,
  };
}

test('work with effects is published, work without any has succeeded', () => {
  expect(decideAfterAttempt(ended({ reason: 'succeeded', hasEffects: true })).state).toBe(
    'publishing',
  );
  expect(decideAfterAttempt(ended({ reason: 'noop' }))).toMatchObject({
    state: 'succeeded',
    reason: 'noop',
    attempts: 1,
  });
});

test('staged work has succeeded without publishing anything', () => {
  expect(decideAfterAttempt(ended({ reason: 'staged', hasEffects: true }))).toMatchObject({
    state: 'succeeded',
    reason: 'staged',
  });
});

test('after its effects a job waits for people only where they are needed', () => {
  expect(decideAfterEffects({ reason: 'succeeded', needsPeople: true }).state).toBe('review');
  expect(decideAfterEffects({ reason: 'succeeded', needsPeople: false }).state).toBe('succeeded');
  expect(decideAfterEffects({ reason: 'question', needsPeople: false })).toEqual({
    state: 'waiting',
    waitReason: 'question',
  });
});

test('whatever an attempt ended with, its job may go from publishing to where its effects lead', () => {
  for (const reason of END_REASONS) {
    for (const needsPeople of [true, false]) {
      const { state, waitReason } = decideAfterEffects({ reason, needsPeople });

      expect(canMove('publishing', state)).toBe(true);
      expect(waitReason !== undefined).toBe(state === 'waiting');
    }
  }
});

test('a crash is tried again after a short wait, until the attempts are used up', () => {
  const first = decideAfterAttempt(ended({ reason: 'crashed' }));
  const last = decideAfterAttempt(ended({ reason: 'crashed', attempts: 2 }));

  expect(first).toMatchObject({ state: 'waiting', waitReason: 'retry', attempts: 1 });
  expect(first.wakeAt).toBeGreaterThanOrEqual(2000);
  expect(first.wakeAt).toBeLessThanOrEqual(2200);
  expect(last).toMatchObject({ state: 'failed', reason: 'crashed', attempts: 3, notify: true });
  expect(last.wakeAt).toBeUndefined();
});

test('a rate limit costs no attempt and waits until the provider is free', () => {
  const outcome = decideAfterAttempt(
    ended({ reason: 'rate_limited', attempts: 2, providerFreeAt: 90_000 }),
  );

  expect(outcome).toMatchObject({
    state: 'waiting',
    waitReason: 'cooldown',
    wakeAt: 90_000,
    attempts: 2,
    uncounted: 1,
  });
});

test('a rate limit with another provider free goes on after the backoff alone', () => {
  expect(decideAfterAttempt(ended({ reason: 'rate_limited' }))).toMatchObject({
    state: 'waiting',
    waitReason: 'retry',
  });
});

test('ten attempts that do not count are the end, as is a wake time beyond the lifetime', () => {
  const tenth = ended({ reason: 'rate_limited', uncounted: MOST_UNCOUNTED - 1 });
  const tooLate = ended({ reason: 'rate_limited', providerFreeAt: 8 * DAY });

  expect(decideAfterAttempt(tenth)).toMatchObject({ state: 'failed', reason: 'rate_limited' });
  expect(decideAfterAttempt(tooLate)).toMatchObject({ state: 'failed', reason: 'rate_limited' });
});

test('a moved base is tried again once', () => {
  expect(decideAfterAttempt(ended({ reason: 'base_conflict' })).state).toBe('waiting');
  expect(decideAfterAttempt(ended({ reason: 'base_conflict', repeats: 1 })).state).toBe('failed');
});

test.each(['invalid_output', 'no_output'] as const)(
  'a script whose attempt ends with %s is tried again once, a model as often as its attempts allow',
  (reason) => {
    const states = [true, false].map((deterministic) =>
      [0, 1].map(
        (repeats) =>
          decideAfterAttempt(ended({ reason, deterministic, repeats, attempts: repeats })).state,
      ),
    );

    expect(states).toEqual([
      ['waiting', 'failed'],
      ['waiting', 'waiting'],
    ]);
  },
);

test('a refused patch fails the job at once and tells people', () => {
  expect(decideAfterAttempt(ended({ reason: 'patch_refused' }))).toMatchObject({
    state: 'failed',
    notify: true,
  });
});

test.each([
  ['wait', { state: 'waiting', waitReason: 'budget', wakeAt: DAY }],
  ['question', { state: 'waiting', waitReason: 'budget' }],
  ['fail', { state: 'failed', reason: 'budget' }],
] as const)('a budget that says %s is obeyed', (onExhausted, expected) => {
  const outcome = decideAfterAttempt(
    ended({ reason: 'budget', budget: { onExhausted, windowEndsAt: DAY } }),
  );

  expect(outcome).toMatchObject(expected);
});

test("an attempt's own spent limit is the end: it would be spent again", () => {
  expect(decideAfterAttempt(ended({ reason: 'budget' })).state).toBe('failed');
});

test('every outcome is a move that a running job may make, and no job is tried for ever', () => {
  fc.assert(
    fc.property(
      fc.array(fc.record({ reason: fc.constantFrom(...END_REASONS), hasEffects: fc.boolean() }), {
        minLength: 30,
      }),
      fc.integer({ min: 1, max: 10 }),
      (ends, attemptsLimit) => {
        let attempts = 0;
        let uncounted = 0;
        let tries = 0;

        for (const end of ends) {
          const outcome = decideAfterAttempt(
            ended({
              ...end,
              attempts,
              uncounted,
              limits: { attempts: attemptsLimit, lifetimeMs: DAY },
            }),
          );
          tries += 1;
          expect(canMove('running', outcome.state)).toBe(true);
          expect(outcome.attempts + outcome.uncounted).toBe(attempts + uncounted + 1);
          expect(outcome.waitReason !== undefined).toBe(outcome.state === 'waiting');
          if (outcome.state !== 'waiting' || outcome.waitReason === 'question') {
            break;
          }
          ({ attempts, uncounted } = outcome);
        }

        expect(tries).toBeLessThanOrEqual(attemptsLimit + MOST_UNCOUNTED);
      },
    ),
  );
});
