import { expect, test } from 'vitest';

import type { Clock } from '../kernel/clock.ts';
import { roomyLimits } from './box-fixture.ts';
import type { BoxLimits } from './sandbox.ts';
import { watchdog } from './watchdog.ts';

/** Each sleep takes as long as `pass` says; the disk loop's and the process loop's alike. */
function movingClock(
  pass: (ms: number, total: number) => number,
): Clock & { readonly slept: number } {
  let now = 0;
  let slept = 0;
  return {
    now: () => new Date(now),
    get slept() {
      return slept;
    },
    sleep: async (ms) => {
      slept += ms;
      now += pass(ms, slept);
    },
  };
}

function watch(clock: Clock, limits: Partial<BoxLimits>, outputBytes = (): number => 0) {
  const watched = {
    limits: { ...roomyLimits, ...limits },
    processes: () => [],
    outputBytes,
    diskBytes: () => Promise.resolve(0),
  };
  return watchdog({ clock }, watched, new AbortController().signal);
}

test('a clock that jumps a day ahead ends nobody', async () => {
  const clock = movingClock((ms, total) => (total < 5000 ? 24 * 3600_000 : ms));

  const strike = await watch(clock, { wallMs: 100_000, idleMs: 200_000 });

  expect(strike?.reason).toBe('timeout_wall');
  expect(clock.slept).toBeGreaterThan(30_000);
});

test('a clock that jumps back lets no worker run for ever', async () => {
  const clock = movingClock((ms, total) => (total < 5000 ? -3600_000 : ms));

  const strike = await watch(clock, { wallMs: 60_000 });

  expect(strike?.reason).toBe('timeout_wall');
});

test('a worker that prints is not idle', async () => {
  let bytes = 0;
  const clock = movingClock((ms) => ms);

  const strike = await watch(clock, { wallMs: 90_000, idleMs: 5000 }, () => (bytes += 1));

  expect(strike?.reason).toBe('timeout_wall');
});

test.each([
  [{ wallMs: 4999, wholeWallMs: 5000 }, 'was not done after `limits.wall` (5 s)'],
  [{ wallMs: 2_700_000 }, 'was not done after `limits.wall` (45 m)'],
  [{ wallMs: 600_000, idleMs: 90_000 }, 'printed nothing for `limits.idle` (1 m 30 s)'],
])('the message of %j says the limit as people write it', async (limits, message) => {
  const strike = await watch(
    movingClock((ms) => ms),
    { idleMs: 3_600_000, ...limits },
  );

  expect(strike?.message).toBe(message);
});
