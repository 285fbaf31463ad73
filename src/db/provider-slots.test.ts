import { expect } from 'vitest';

import { openPool, test } from '../../test/database.ts';
import { recountProviderSlots, releaseProviderSlot, takeProviderSlot } from './provider-slots.ts';
import { sql } from './sql.ts';

test('a provider has so many places and no more, however many ask at once', async ({
  connection,
  db,
}) => {
  await using rival = await openPool(connection);
  const ask = (i: number): Promise<boolean> =>
    takeProviderSlot(i % 2 === 0 ? db : rival, { provider: 'codex', maxRunning: 3 });

  const answers = await Promise.all(Array.from({ length: 10 }, (_, i) => ask(i)));

  expect(answers.filter(Boolean)).toHaveLength(3);
});

test('a place that was given back is free, and a lowered limit holds at once', async ({ db }) => {
  const two = { provider: 'claude', maxRunning: 2 };
  await takeProviderSlot(db, two);
  await takeProviderSlot(db, two);

  await releaseProviderSlot(db, 'claude');
  const lowered = await takeProviderSlot(db, { ...two, maxRunning: 1 });
  const again = await takeProviderSlot(db, two);

  expect([lowered, again]).toEqual([false, true]);
});

test('counters that a dead runner left are set to the attempts that are open', async ({ db }) => {
  await takeProviderSlot(db, { provider: 'lost', maxRunning: 5 });

  const corrected = await recountProviderSlots(db);

  const [row] = await db.query(sql`select running from provider_slot where provider = 'lost'`);
  expect(corrected).toBeGreaterThan(0);
  expect(row).toEqual({ running: 0 });
  expect(await recountProviderSlots(db)).toBe(0);
});
