import { expect, test } from 'vitest';

import { systemClock } from './clock.ts';
import { AppError } from './errors.ts';
import { silentLog } from './log.ts';
import { aborted, every, runTogether } from './service.ts';

const failing = (): Promise<void> => Promise.reject(new Error('boom'));

test('one failing service stops the others and its error is the one reported', async () => {
  const log: string[] = [];
  const steady = async (signal: AbortSignal): Promise<void> => {
    await aborted(signal);
    log.push('steady stopped');
  };

  await expect(runTogether([steady, failing], new AbortController().signal)).rejects.toThrow(
    'boom',
  );
  expect(log).toEqual(['steady stopped']);
});

test('a signal that aborted before the service started still stops it', async () => {
  await expect(runTogether([aborted], AbortSignal.abort())).resolves.toBeUndefined();
});

test('a retryable failure waits longer each time and never ends the service', async () => {
  const stop = new AbortController();
  const waits: number[] = [];
  const clock = {
    ...systemClock,
    sleep: async (ms: number): Promise<void> => {
      waits.push(ms);
      if (waits.length === 4) {
        stop.abort();
      }
    },
  };
  const work = (): Promise<void> => Promise.reject(new AppError('UNAVAILABLE', 'down'));

  await every({ clock, log: silentLog }, { intervalMs: 10, maxBackoffMs: 50 }, work)(stop.signal);

  expect(waits).toEqual([20, 40, 50, 50]);
});

test('a bug ends the service', async () => {
  const service = every({ clock: systemClock, log: silentLog }, { intervalMs: 10 }, failing);

  await expect(service(new AbortController().signal)).rejects.toThrow('boom');
});
