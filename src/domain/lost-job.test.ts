import { expect, test } from 'vitest';

import { decideLost } from './lost-job.ts';

const NOW = Date.UTC(2026, 0, 2);
const DAY_MS = 86_400_000;
const LIMITS = {
  tokens: 1000,
  microUsd: 0,
  turns: 10,
  wallMs: 1000,
  idleMs: 1000,
  attempts: 2,
  memoryBytes: 1,
  min: 0.1,
  lifetimeMs: 7 * DAY_MS,
};
const job = { id: 1, attempts: 1, uncounted: 0, createdAt: new Date(NOW) };

test('a job goes on at once after a restart, and after a pause when its runner fell silent', () => {
  const restarted = decideLost(job, { loss: 'restarted', limits: LIMITS, now: NOW });
  const silent = decideLost(job, { loss: 'silent', limits: LIMITS, now: NOW });

  expect(restarted).toEqual({
    state: 'queued',
    reason: 'lost',
    detail: 'Its runner went away; the next free runner takes it over.',
    uncounted: false,
  });
  expect(silent).toMatchObject({ state: 'waiting', waitReason: 'retry', uncounted: false });
  expect(silent.wakeAt?.getTime()).toBeGreaterThan(NOW);
});

test.for(['restarted', 'silent'] as const)(
  'a job whose runner was %s in its last attempt, or beyond its lifetime, has failed',
  (loss) => {
    const last = decideLost(
      { ...job, attempts: 3, uncounted: 1 },
      { loss, limits: LIMITS, now: NOW },
    );
    const old = decideLost(job, { loss, limits: LIMITS, now: NOW + 8 * DAY_MS });

    expect([last, old]).toMatchObject([
      { state: 'failed', detail: expect.stringMatching(/during its last attempt\.$/) },
      { state: 'failed' },
    ]);
  },
);

test('a claim that was never answered costs no attempt, however many there were', () => {
  const ends = [1, 9].map((attempts) =>
    decideLost({ ...job, attempts }, { loss: 'unanswered', limits: LIMITS, now: NOW }),
  );

  expect(ends).toMatchObject([
    { state: 'queued', uncounted: true },
    { state: 'queued', uncounted: true },
  ]);
});

test('without an attempt that says its limits, nothing is given up', () => {
  const end = decideLost(
    { ...job, attempts: 50 },
    { loss: 'restarted', limits: undefined, now: NOW },
  );

  expect(end.state).toBe('queued');
});
