import { expect } from 'vitest';

import { test } from '../../test/database.ts';
import { listNewEvents, recordEvents, settleEvent, takeEvents } from './events.ts';
import { newRepo } from './repo-rows-fixture.ts';

test('the same thing seen twice is stored once, and handled once', async ({ db }) => {
  const { id: repoId } = await newRepo(db);
  const event = { repoId, type: 'push', key: `push:${repoId}:c1`, payload: { sha: 'c1' } } as const;

  expect(await recordEvents(db, [])).toBe(0);
  expect(await recordEvents(db, [event])).toBe(1);
  expect(await recordEvents(db, [event, { ...event, key: `push:${repoId}:c2` }])).toBe(1);

  const first = await db.transaction(async (tx) => {
    const ids = await listNewEvents(db, 10);
    const [taken] = await takeEvents(tx, ids.slice(0, 1));
    // While it is taken, others get the next one.
    const [next] = await db.transaction((other) => takeEvents(other, ids));
    await settleEvent(tx, taken?.id ?? 0, { jobs: [] });
    return { taken, next };
  });
  expect(first.taken).toMatchObject({ repoId, type: 'push', payload: { sha: 'c1' } });
  expect(first.next?.id).not.toBe(first.taken?.id);
  expect(await listNewEvents(db, 10)).toHaveLength(1);
});
