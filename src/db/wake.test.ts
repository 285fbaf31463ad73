import { expect } from 'vitest';

import { test } from '../../test/database.ts';
import { systemClock } from '../kernel/clock.ts';
import type { Db } from './db.ts';
import { notifyWork } from './enqueue.ts';
import { createWake } from './wake.ts';

const LONG_MS = 30_000;

function setup(db: Db) {
  const stop = new AbortController();
  return {
    signal: stop.signal,
    stop,
    open: () => createWake({ db, clock: systemClock, channel: 'job' }),
  };
}

test('what arrives between the look and the wait is not lost', async ({ db }) => {
  const { signal, open } = setup(db);
  using wake = await open();

  const before = wake.sequence();
  await notifyWork(db);
  await expect.poll(() => wake.sequence()).toBeGreaterThan(before);
  const startedAt = performance.now();
  await wake.wait(before, LONG_MS, signal);

  expect(performance.now() - startedAt).toBeLessThan(1_000);
});

test('one notification wakes everybody who waits', async ({ db }) => {
  const { signal, open } = setup(db);
  using wake = await open();
  const sequence = wake.sequence();

  const waits = [1, 2, 3].map(() => wake.wait(sequence, LONG_MS, signal));
  await notifyWork(db);

  await Promise.all(waits);
  expect(wake.sequence()).toBeGreaterThan(sequence);
});

test('a wait that ran out swallows nothing', async ({ db }) => {
  const { signal, open } = setup(db);
  using wake = await open();
  const sequence = wake.sequence();

  await Promise.all([wake.wait(sequence, 1, signal), wake.wait(sequence, 1, signal)]);
  const waiting = wake.wait(sequence, LONG_MS, signal);
  const startedAt = performance.now();
  await notifyWork(db);
  await waiting;

  expect(performance.now() - startedAt).toBeLessThan(5_000);
});

test('a wait ends with its signal, and with the wake', async ({ db }) => {
  const { stop, signal, open } = setup(db);
  const wake = await open();

  const stopped = wake.wait(wake.sequence(), LONG_MS, signal);
  const closed = wake.wait(wake.sequence(), LONG_MS, new AbortController().signal);
  stop.abort();
  await stopped;
  wake[Symbol.dispose]();
  await closed;

  await wake.wait(wake.sequence(), LONG_MS, signal);
  expect(signal.aborted).toBe(true);
});

test('a poke wakes as a notification does', async ({ db }) => {
  const { signal, open } = setup(db);
  using wake = await open();

  const waiting = wake.wait(wake.sequence(), LONG_MS, signal);
  wake.poke();
  await waiting;

  expect(wake.sequence()).toBeGreaterThan(0);
});
