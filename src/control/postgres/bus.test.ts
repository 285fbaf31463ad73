import { expect } from 'vitest';

import { test as base } from '../../../test/database.ts';
import { pause } from '../../db/controls.ts';
import { busScenarios, hear, type OpenBus } from '../bus-scenarios.ts';
import { createPostgresBus } from './bus.ts';

const test = base.extend<{ open: OpenBus }>({
  open: async ({ db }, use) => use(async () => createPostgresBus({ db })),
});

busScenarios(test);

test('the row of an order tells of itself with its commit, and not before', async ({ db }) => {
  await using bus = createPostgresBus({ db });
  const heard = await hear(bus, 'control');
  const order = { scope: {}, actor: 'ada', reason: 'A look first.' };

  const id = await db.transaction(async (tx) => {
    const written = await pause(tx, order);
    expect(heard).toEqual(['']);
    return written;
  });

  await expect.poll(() => heard).toEqual(['', String(id)]);
});
