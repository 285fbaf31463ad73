import { expect } from 'vitest';

import { openPool, test } from '../../test/database.ts';
import { blockForge, lowerForgeBudget, takeForgeRequest } from './forge-budget.ts';

test('a host gets so many requests a minute, however many processes ask', async ({
  db,
  connection,
}) => {
  await using other = await openPool(connection);
  const host = 'shared.example.org';

  const waits = await Promise.all(
    Array.from({ length: 30 }, (_, n) =>
      takeForgeRequest(n % 2 === 0 ? db : other, { host, perMinute: 20 }),
    ),
  );

  expect(waits.filter((ms) => ms === 0)).toHaveLength(20);
  expect(waits.filter((ms) => ms > 50_000 && ms <= 60_000)).toHaveLength(10);
});

test('what the forge has left is all that is sent until its window ends', async ({ db }) => {
  const host = 'lower.example.org';
  await takeForgeRequest(db, { host, perMinute: 100 });

  await lowerForgeBudget(db, { host, remaining: 1, resetMs: 30_000 });

  expect(await takeForgeRequest(db, { host, perMinute: 100 })).toBe(0);
  const wait = await takeForgeRequest(db, { host, perMinute: 100 });
  expect(wait).toBeGreaterThan(20_000);
  expect(wait).toBeLessThanOrEqual(30_000);
});

test('a longer block of a host outlives a shorter one, and other hosts go on', async ({ db }) => {
  const host = 'blocked.example.org';

  await blockForge(db, { host, ms: 40_000 });
  await blockForge(db, { host, ms: 1 });

  expect(await takeForgeRequest(db, { host, perMinute: 100 })).toBeGreaterThan(30_000);
  expect(await takeForgeRequest(db, { host: 'free.example.org', perMinute: 100 })).toBe(0);
});
