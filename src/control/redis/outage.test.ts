import { once } from 'node:events';
import { createServer } from 'node:net';
import type { Socket } from 'node:net';

import { Redis } from 'ioredis';
import { expect, onTestFinished } from 'vitest';

import { test } from '../../../test/redis.ts';
import { announce, hear } from '../bus-scenarios.ts';
import { keptLog, openBus } from './bus-fixture.ts';

/** Above the time in which an outage is noticed (2 s between pings, 1 s for an answer), with a busy machine in mind. */
const NOTICED = { timeout: 15_000 };
/** Of a hint to a server that stands still: whoever sends it must not feel that. */
const MOST_PER_HINT_MS = 1;

test('without a server it starts, takes hints and drops them; when one comes, it is heard', async ({
  db,
  redis,
}) => {
  await redis.kill();
  const { log, text } = keptLog();

  await using bus = await openBus(redis.url, { log });
  const heard = await hear(bus, 'control');
  bus.publish('control', 1);
  const without = bus.status();
  await redis.start();
  await expect.poll(() => heard, NOTICED).toEqual(['']);
  await announce(db, bus, 'control', 2);

  await expect.poll(() => heard).toEqual(['', '2']);
  expect(without).toMatchObject({ up: false, counts: { dropped: 1 } });
  expect(without.detail).toMatch(/^Redis at 127\.0\.0\.1:\d+: .*ECONNREFUSED/);
  expect(bus.status()).toMatchObject({ up: true, counts: { lost: 0, published: 1 } });
  expect(text()).toContain('no control bus: orders are found by polling');
});

test('a server that was killed and comes back empty is listened to again, and everybody looks', async ({
  db,
  redis,
}) => {
  await using one = await openBus(redis.url);
  await using two = await openBus(redis.url);
  const heard = await hear(two, 'control');
  await hear(two, 'transcript');
  await expect.poll(() => heard).toEqual(['']);

  await redis.kill();
  await expect.poll(() => one.status().up || two.status().up, NOTICED).toBe(false);
  await announce(db, one, 'control', 1);
  await redis.start();
  await expect.poll(() => heard, NOTICED).toEqual(['', '']);
  await expect.poll(() => one.status().up, NOTICED).toBe(true);
  await announce(db, one, 'control', 2);

  await expect.poll(() => heard).toEqual(['', '', '2']);
  expect(two.status().counts.lost).toBe(1);
});

test('a server that stands still holds nobody up; it is noticed, and heard again afterwards', async ({
  db,
  redis,
}) => {
  await using bus = await openBus(redis.url);
  const heard = await hear(bus, 'control');
  await expect.poll(() => heard).toEqual(['']);

  redis.freeze();
  const startedAt = performance.now();
  for (let id = 1; id <= 2_000; id += 1) {
    bus.publish('control', id);
  }
  const tookMs = performance.now() - startedAt;
  await expect.poll(() => bus.status().up, NOTICED).toBe(false);
  const noticedMs = performance.now() - startedAt;
  await expect.poll(() => bus.status().counts.dropped, NOTICED).toBe(2_000);
  redis.thaw();
  await expect.poll(() => bus.status().up, NOTICED).toBe(true);
  await expect.poll(() => heard.slice(-1)).toEqual(['']);
  await announce(db, bus, 'control', 3_000);

  await expect.poll(() => heard.slice(-1)).toEqual(['3000']);
  console.log(
    `2,000 hints to a frozen server: ${Math.round(tookMs)} ms; noticed after ${Math.round(noticedMs)} ms`,
  );
  expect(tookMs / 2_000).toBeLessThan(MOST_PER_HINT_MS);
});

test('a frozen server holds up neither a start, nor a listener, nor the end', async ({ redis }) => {
  await using before = await openBus(redis.url);
  redis.freeze();

  const startedAt = performance.now();
  const bus = await openBus(redis.url);
  await hear(bus, 'control');
  await hear(before, 'control');
  before.publish('control', 1);
  await before[Symbol.asyncDispose]();
  await bus[Symbol.asyncDispose]();

  expect(bus.status()).toMatchObject({ up: false, detail: 'closed' });
  expect(performance.now() - startedAt).toBeLessThan(15_000);
});

test('a slow server delays hints and loses none', async ({ db, redis }) => {
  await using bus = await openBus(redis.url);
  const heard = await hear(bus, 'control');
  await expect.poll(() => heard).toEqual(['']);
  const admin = new Redis(redis.url);

  await admin.client('PAUSE', 500);
  await announce(db, bus, 'control', 1);
  await announce(db, bus, 'control', 2);

  await expect.poll(() => heard).toEqual(['', '1', '2']);
  expect(bus.status()).toMatchObject({ up: true, counts: { dropped: 0, lost: 0 } });
  admin.disconnect();
});

/** What may be at the other end of a wrong address. */
const STRANGERS: readonly [what: string, greet: (socket: Socket) => void][] = [
  ['closes at once', (socket) => void socket.end()],
  ['says nothing', () => {}],
  ['speaks HTTP', (socket) => void socket.write('HTTP/1.1 400 Bad Request\r\n\r\n')],
  ['sends noise', (socket) => void socket.write(Buffer.alloc(100_000, 0xfe))],
  ['promises a huge answer', (socket) => void socket.write('$536870912\r\nhalf')],
  [
    'answers what was not asked',
    (socket) => void socket.write('+OK\r\n:1\r\n*-1\r\n$-1\r\n'.repeat(50)),
  ],
];

test.for(STRANGERS)(
  'a server that %s is no bus, and no reason to fall over',
  async ([, greet], { redis }) => {
    const sockets = new Set<Socket>();
    const stranger = createServer((socket) => {
      sockets.add(socket.on('error', () => {}));
      greet(socket);
    }).listen(0, '127.0.0.1');
    onTestFinished(() => {
      sockets.forEach((socket) => socket.destroy());
      stranger.close();
    });
    await once(stranger, 'listening');
    const address = stranger.address();
    const port = typeof address === 'object' ? address?.port : 0;
    let url = `redis://127.0.0.1:${port}`;

    await using bus = await openBus(() => url);
    const heard = await hear(bus, 'control');
    bus.publish('control', 1);
    url = redis.url;

    await expect.poll(() => bus.status().up, NOTICED).toBe(true);
    await expect.poll(() => heard.at(-1)).toBe('');
  },
);
