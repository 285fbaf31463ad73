import { expect } from 'vitest';

import { test } from '../../test/database.ts';
import { recordSetback } from '../db/setbacks.ts';
import { sql } from '../db/sql.ts';
import { retrySetAside } from './acts/retry-set-aside.ts';

const BY = { actor: 'ada' };

test('rows are tried again by a person, which the audit keeps', async ({ db }) => {
  await recordSetback(db, { sweep: 'event', rowId: 1, error: 'inside' });
  await recordSetback(db, { sweep: 'effect', rowId: 2, error: 'inside' });

  const one = await retrySetAside({ db }, { sweep: 'event', rowId: 1 }, BY);
  const all = await retrySetAside({ db }, undefined, BY);

  expect([one, all]).toEqual([{ retried: 1 }, { retried: 2 }]);
  expect(await db.query(sql`select 1 from setback where due_at <= now()`)).toHaveLength(2);
  expect(await db.query(sql`select actor, action, target from audit order by id`)).toEqual([
    { actor: 'ada', action: 'setback.retry', target: 'event:1' },
    { actor: 'ada', action: 'setback.retry', target: 'all' },
  ]);
});

test('a row that is not set aside is not found, and that nothing is set aside is no error', async ({
  db,
}) => {
  await db.query(sql`truncate setback`);

  await expect(retrySetAside({ db }, { sweep: 'vote', rowId: 5 }, BY)).rejects.toMatchObject({
    code: 'NOT_FOUND',
  });
  expect(await retrySetAside({ db }, undefined, BY)).toEqual({ retried: 0 });
});
