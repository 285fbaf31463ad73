import { Redis } from 'ioredis';
import { expect } from 'vitest';

import { test as base } from '../../../test/redis.ts';
import { announce, hear } from '../bus-scenarios.ts';
import { openBus } from './bus-fixture.ts';

const CHANNEL = 'autodev:test:control';
const REPLAYS = 20_000;
const PATIENT = { timeout: 30_000 };

/** Somebody else who may write to our channels. */
const test = base.extend<{ stranger: Redis }>({
  stranger: async ({ redis }, use) => {
    const client = new Redis(redis.url);
    await use(client);
    client.disconnect();
  },
});

const NO_HINTS: readonly [what: string, message: string | Buffer][] = [
  ['an empty one', ''],
  ['text', 'cancel everything'],
  ['half of one', '{"v":1,"id":4'],
  ['bytes that are no text', Buffer.from([0xff, 0xfe, 0x00, 0x80])],
  ['another version', '{"v":2,"id":4}'],
  ['an id that is no number', '{"v":1,"id":"4; drop table job"}'],
  ['an id below one', '{"v":1,"id":0}'],
  ['an id beyond exact numbers', '{"v":1,"id":9007199254740993}'],
  ['a fraction', '{"v":1,"id":1.5}'],
  ['a list', '[1]'],
  ['null', 'null'],
  ['a prototype', '{"__proto__":{"v":1,"id":4}}'],
  ['a deep one', '['.repeat(100_000)],
  ['one with more than a hint can hold', `{"v":1,"id":4,"note":"${'x'.repeat(300)}"}`],
  ['a huge one', 'x'.repeat(8 * 1024 * 1024)],
];

test('what is no hint is counted and not heard, and the next hint is', async ({
  db,
  redis,
  stranger,
}) => {
  await using bus = await openBus(redis.url);
  const heard = await hear(bus, 'control');
  await expect.poll(() => heard).toEqual(['']);

  for (const [, message] of NO_HINTS) {
    await stranger.publish(CHANNEL, message);
  }
  await announce(db, bus, 'control', 6);

  await expect.poll(() => heard, { timeout: 20_000 }).toEqual(['', '6']);
  expect(bus.status()).toMatchObject({
    up: true,
    counts: { refused: NO_HINTS.length, lost: 0, received: 1 },
  });
});

test('a message that is too much for the server itself costs the connection, and then everybody looks', async ({
  db,
  redis,
  stranger,
}) => {
  await using bus = await openBus(redis.url);
  const heard = await hear(bus, 'control');
  await expect.poll(() => heard).toEqual(['']);

  // Above its limit for what waits for one subscriber.
  await stranger.publish(CHANNEL, Buffer.alloc(64 * 1024 * 1024, 'x'));
  await expect.poll(() => heard, { timeout: 20_000 }).toEqual(['', '']);
  await announce(db, bus, 'control', 6);

  await expect.poll(() => heard).toEqual(['', '', '6']);
  expect(bus.status().counts.lost).toBe(1);
});

test('a newer process may say more in a hint', async ({ redis, stranger }) => {
  await using bus = await openBus(redis.url);
  const heard = await hear(bus, 'control');

  await stranger.publish(CHANNEL, '{"v":1,"id":4,"by":"somebody"}');

  await expect.poll(() => heard).toEqual(['', '4']);
});

test('a flood of replayed hints costs a bounded number of looks, the last one after it', async ({
  redis,
  stranger,
}) => {
  await using bus = await openBus(redis.url);
  const heard = await hear(bus, 'control');
  await expect.poll(() => heard).toEqual(['']);
  const replays = stranger.pipeline();
  for (let count = 0; count < REPLAYS; count += 1) {
    replays.publish(CHANNEL, '{"v":1,"id":4}');
  }

  const startedAt = performance.now();
  await replays.exec();
  await expect.poll(() => bus.status().counts.gathered, PATIENT).toBeGreaterThan(REPLAYS / 10);
  await expect.poll(() => heard.at(-1), PATIENT).toBe('');
  const seconds = Math.ceil((performance.now() - startedAt) / 1000);

  // 200 of each second and one for the rest of it; one more for each connection, of which the flood may cost some.
  const { lost } = bus.status().counts;
  expect(heard.length).toBeLessThanOrEqual((seconds + 1) * 201 + 1 + lost);
});

test('installations that share a server hear nothing of each other', async ({ db, redis }) => {
  await using ours = await openBus(redis.url, { installation: 'ours' });
  await using theirs = await openBus(redis.url, { installation: 'theirs' });
  const heardByUs = await hear(ours, 'control');
  const heardByThem = await hear(theirs, 'control');

  await announce(db, ours, 'control', 1);
  await announce(db, theirs, 'control', 2);

  await expect.poll(() => heardByUs).toEqual(['', '1']);
  await expect.poll(() => heardByThem).toEqual(['', '2']);
});
