import { expect } from 'vitest';

import { openPool, test } from '../../test/database.ts';
import { sql } from './sql.ts';

test('hears what is sent after a first empty message, until its signal aborts', async ({ db }) => {
  const heard: string[] = [];
  const stop = new AbortController();

  await db.listen('Odd "name"', (payload) => heard.push(payload), stop.signal);
  await db.query(sql`select pg_notify('Odd "name"', 'one')`);
  await expect.poll(() => heard).toEqual(['', 'one']);
  stop.abort();

  const listeners = sql`select from pg_stat_activity where query like 'listen "Odd%'`;
  await expect.poll(() => db.query(listeners)).toEqual([]);
});

test('listens again after its connection was lost, and says so with an empty message', async ({
  db,
}) => {
  const heard: string[] = [];
  const stop = new AbortController();
  await db.listen('bell', (payload) => heard.push(payload), stop.signal);

  await db.query(
    sql`select pg_terminate_backend(pid) from pg_stat_activity where query = 'listen "bell"'`,
  );
  await expect.poll(() => heard, { timeout: 10_000 }).toEqual(['', '']);
  await db.query(sql`select pg_notify('bell', 'ding')`);

  await expect.poll(() => heard).toEqual(['', '', 'ding']);
  stop.abort();
});

test('an aborted signal ends it before it listens', async ({ db }) => {
  await expect(db.listen('bell', () => {}, AbortSignal.abort())).resolves.toBeUndefined();
});

test('closing the pool ends its listeners', async ({ connection, db }) => {
  const other = await openPool(connection);
  await other.listen('closing', () => {}, new AbortController().signal);

  await other[Symbol.asyncDispose]();

  const listeners = sql`select from pg_stat_activity where query like 'listen "closing%'`;
  await expect.poll(() => db.query(listeners)).toEqual([]);
});
