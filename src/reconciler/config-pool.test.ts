import { setTimeout as sleep } from 'node:timers/promises';

import { expect, onTestFinished, test } from 'vitest';

import { effectivePolicy, localPolicy } from '../config/policy.ts';
import { systemClock } from '../kernel/clock.ts';
import { AppError } from '../kernel/errors.ts';
import { silentLog } from '../kernel/log.ts';
import type { ConfigPool } from './config-pool.ts';
import { createConfigPool } from './config-pool.ts';
import type { LoadRequest } from './load-request.ts';
import { loadOnRequest } from './load-request.ts';

const OBEDIENT = new URL('./config-pool-child.ts', import.meta.url);
const none = (): Promise<undefined> => Promise.resolve(undefined);

const VALID = `version: 1
agents:
  bug-finder: { instructions: { file: docs/bugs.md } }
  builder: { instructions: { file: docs/build.md }, check: [npm test] }
schedules:
  nightly: { agent: bug-finder, cron: "0 2 * * *" }
`;

function request(source: string | Uint8Array): LoadRequest {
  const effective = effectivePolicy(localPolicy(), '/srv/app');
  return { source: Buffer.from(source), effective, credentials: ['claude'] };
}

function setup(options: Parameters<typeof createConfigPool>[1] = {}): ConfigPool {
  const pool = createConfigPool({ clock: systemClock, log: silentLog }, options);
  onTestFinished(() => pool[Symbol.dispose]());
  return pool;
}

const code = (of: Promise<unknown>): Promise<unknown> =>
  of.then(
    () => 'no error',
    (error: unknown) => (error instanceof AppError ? error.code : error),
  );

test.for<[name: string, source: string | Uint8Array]>([
  ['a valid file', VALID],
  ['a file with mistakes', VALID.replace('builder:', 'bilder:').replace('0 2', '99 2')],
  ['a file that is no YAML', 'agents: ['],
  ['a file that is not UTF-8', Buffer.from([0xff, 0xfe, 0x00])],
  ['nothing', ''],
])('%s comes to the same on a thread as here', async ([, source]) => {
  const pool = setup();
  const read = (path: string): Promise<string | undefined> =>
    Promise.resolve(path === 'docs/bugs.md' ? 'Look twice.' : undefined);

  const there = await pool.load(request(source), read);

  expect(there).toEqual(await loadOnRequest(request(source), read));
});

test('many at once are answered each with its own', async () => {
  const pool = setup({ threads: 2 });
  const files = Array.from({ length: 40 }, (_, n) => VALID.replace('0 2', `${n} 2`));
  const read = async (path: string): Promise<string> => path;

  const all = await Promise.all(files.map((file) => pool.load(request(file), read)));

  const crons = all.map((loaded) => loaded.ok && loaded.spec.schedules['nightly']?.cron);
  expect(crons).toEqual(files.map((_, n) => `${n} 2 * * *`));
});

test('what a file could not be read for passes through, and the thread goes on', async () => {
  const pool = setup({ threads: 1 });
  const failure = new AppError('SOURCE_UNREADABLE', 'the forge is away');

  const [failed, next] = await Promise.allSettled([
    pool.load(request(VALID), () => Promise.reject(failure)),
    pool.load(request(VALID), (path) => Promise.resolve(path)),
  ]);

  expect(failed).toEqual({ status: 'rejected', reason: failure });
  expect(next).toMatchObject({
    status: 'fulfilled',
    value: { ok: true, spec: { schedules: { nightly: {} } } },
  });
});

test('a thread that does not answer in time is ended, and another one takes over', async () => {
  const pool = setup({ threads: 1, timeoutMs: 3_000, script: OBEDIENT });
  let turns = 0;
  const ticking = setInterval(() => (turns += 1), 20);
  onTestFinished(() => clearInterval(ticking));

  const [stuck, next] = await Promise.all([
    code(pool.load(request('loop'), none)),
    pool.load(request('go on'), none),
  ]);

  expect(stuck).toBe('TIMEOUT');
  expect(next).toMatchObject({ ok: false });
  // The loop had a thread of its own: this one went on.
  expect(turns).toBeGreaterThan(20);
});

test.for(['throw', 'exit', 'eat'])(
  'a thread that ends in the middle (%s) costs its own file',
  { timeout: 120_000 },
  async (order) => {
    const pool = setup({ threads: 1, timeoutMs: 60_000, script: OBEDIENT });

    const [lost, next] = await Promise.all([
      code(pool.load(request(order), none)),
      pool.load(request('go on'), none),
    ]);

    expect(lost).toBe('UNAVAILABLE');
    expect(next).toMatchObject({ ok: false });
  },
);

test('a thread sees nothing of the environment', async () => {
  const pool = setup({ script: OBEDIENT });

  expect(await pool.load(request('go on'), none)).toMatchObject({
    files: ['undefined', expect.any(String)],
  });
});

test('closing ends what is under way and what waits', async () => {
  const pool = setup({ threads: 1, script: OBEDIENT });
  await pool.load(request('go on'), none);

  const under = code(pool.load(request('loop'), none));
  const waiting = code(pool.load(request('go on'), none));
  await sleep(0);
  pool[Symbol.dispose]();

  expect(await under).toBe('UNAVAILABLE');
  expect(await waiting).toBe('UNAVAILABLE');
  expect(await code(pool.load(request('go on'), none))).toBe('UNAVAILABLE');
});

test('a thread that rested long enough is gone, and the next file gets a new one', async () => {
  const rests: (() => void)[] = [];
  const clock = {
    ...systemClock,
    sleep: (ms: number, signal: AbortSignal) =>
      ms === 77
        ? new Promise<void>((resolve) => rests.push(resolve))
        : systemClock.sleep(ms, signal),
  };
  using pool = createConfigPool({ clock, log: silentLog }, { idleMs: 77, script: OBEDIENT });
  const thread = (): Promise<unknown> => pool.load(request('go on'), none);
  const first = await thread();
  const same = await thread();

  // The first rest was ended by work.
  rests[1]?.();
  await sleep(0);

  expect(same).toEqual(first);
  expect(await thread()).not.toEqual(first);
});
