import * as fc from 'fast-check';
import { expect, test } from 'vitest';

import {
  breakerEvent,
  breakerState,
  CLOSED_BREAKER,
  HALF_OPEN_AFTER_MS,
  nextBreaker,
  type Breaker,
  type BreakerEvent,
} from './breaker.ts';

const after = (events: readonly BreakerEvent[], now = 0): Breaker =>
  events.reduce((breaker, event) => nextBreaker(breaker, event, now), CLOSED_BREAKER);

test.each<[string, BreakerEvent[], string]>([
  ['two failures', ['failure', 'failure'], 'closed'],
  ['three failures', ['failure', 'failure', 'failure'], 'open'],
  ['three runs without progress', ['no_progress', 'no_progress', 'no_progress'], 'open'],
  ['progress in between', ['failure', 'failure', 'progress', 'failure'], 'closed'],
])('after %s a breaker is as it should be', (_, events, state) => {
  expect(breakerState(after(events), 1)).toBe(state);
});

test('after a day one job may try: progress closes it, a failure trips it for another day', () => {
  const tripped = after(['failure', 'failure', 'failure']);
  const later = HALF_OPEN_AFTER_MS;

  expect(breakerState(tripped, later - 1)).toBe('open');
  expect(breakerState(tripped, later)).toBe('half_open');
  expect(breakerState(nextBreaker(tripped, 'progress', later), later)).toBe('closed');
  expect(breakerState(nextBreaker(tripped, 'no_progress', later), later + 1)).toBe('open');
});

test('what the agent rightly did is progress, what others did says nothing', () => {
  expect(breakerEvent('noop', false)).toBe('progress');
  expect(breakerEvent('question', true)).toBe('progress');
  expect(breakerEvent('succeeded', true)).toBe('progress');
  expect(breakerEvent('succeeded', false)).toBe('no_progress');
  expect(breakerEvent('crashed', false)).toBe('failure');
  expect(breakerEvent('rate_limited', false)).toBeUndefined();
  expect(breakerEvent('cancelled', false)).toBeUndefined();
});

test('whatever happens, progress closes a breaker', () => {
  fc.assert(
    fc.property(
      fc.array(fc.constantFrom<BreakerEvent>('failure', 'no_progress', 'progress')),
      fc.nat(),
      (events, now) => {
        expect(nextBreaker(after(events), 'progress', now)).toEqual(CLOSED_BREAKER);
      },
    ),
  );
});
