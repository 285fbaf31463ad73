import { expect } from 'vitest';

import { openPool, test } from '../../test/database.ts';
import { silentLog } from '../kernel/log.ts';
import { openDb } from './pool.ts';
import { sql } from './sql.ts';

test('values arrive as the types that the product computes with', async ({ db }) => {
  const [row] = await db.query(sql`select
    9007199254740991::bigint as big,
    array[1, null, 3]::bigint[] as bigs,
    1.25::numeric as price,
    array[0.5]::numeric[] as prices,
    timestamptz '2026-03-29 03:00+02' as at,
    date '2026-03-29' as day,
    '{"a": [1]}'::jsonb as doc`);

  expect(row).toEqual({
    big: Number.MAX_SAFE_INTEGER,
    bigs: [1, null, 3],
    price: 1.25,
    prices: [0.5],
    at: new Date('2026-03-29T01:00:00Z'),
    day: '2026-03-29',
    doc: { a: [1] },
  });
});

test('a bigint without an exact number is refused instead of rounded', async ({ db }) => {
  const query = db.query(sql`select 9007199254740993::bigint as id`);

  await expect(query).rejects.toThrow('9007199254740993');
});

test('a text is prepared once per connection, whatever its parameters', async ({ connection }) => {
  await using db = await openPool(connection, 1);

  await db.query(sql`select ${1}::int + 1 as n`);
  await db.query(sql`select ${2}::int + 1 as n`);
  const prepared = await db.query(
    sql`select name from pg_prepared_statements where statement like 'select $1::int + 1%'`,
  );

  expect(prepared).toHaveLength(1);
});

test('a transaction commits what its work did, and nothing when the work rejects', async ({
  db,
}) => {
  await db.session((session) => session.script('create table noted (word text)'));

  const answer = await db.transaction(async (tx) => {
    await tx.query(sql`insert into noted values ('kept')`);
    return 42;
  });
  const failed = db.transaction(async (tx) => {
    await tx.query(sql`insert into noted values ('lost')`);
    throw new Error('changed my mind');
  });

  await expect(failed).rejects.toThrow('changed my mind');
  expect(answer).toBe(42);
  expect(await db.query(sql`select word from noted`)).toEqual([{ word: 'kept' }]);
});

test('a transaction whose failed query was swallowed does not pass for committed', async ({
  db,
}) => {
  const work = db.transaction(async (tx) => {
    await tx.query(sql`select 1 / ${0}::int`).catch(() => {});
  });

  await expect(work).rejects.toThrow('rolled back');
});

test('a statement over its time limit is a TIMEOUT', async ({ connection }) => {
  await using db = await openDb({ connection, log: silentLog }, { statementTimeoutMs: 20 });

  await expect(db.query(sql`select pg_sleep(30)`)).rejects.toMatchObject({
    code: 'TIMEOUT',
    retryable: true,
  });
});

test('a server that is not there is DATABASE_UNAVAILABLE, a wrong password SETTINGS_INVALID', async ({
  connection,
}) => {
  const nowhere = connection.replace(/%2F[^:/]+:/, '%2Fnowhere:');
  const wrong = connection.replace(/:[^:@]+@/, ':wrong@');

  await expect(openPool(nowhere)).rejects.toMatchObject({ code: 'DATABASE_UNAVAILABLE' });
  await expect(openPool(wrong)).rejects.toMatchObject({ code: 'SETTINGS_INVALID' });
});

test('a connection killed between two queries of a transaction fails it and costs the pool nothing', async ({
  db,
  connection,
}) => {
  await using other = await openPool(connection, 1);

  const work = other.transaction(async (tx) => {
    const [row] = await tx.query<{ pid: number }>(sql`select pg_backend_pid() as pid`);
    await db.query(sql`select pg_terminate_backend(${row?.pid}, 5000)`);
    await tx.query(sql`select 1`);
  });

  await expect(work).rejects.toMatchObject({ code: 'DATABASE_UNAVAILABLE' });
  await expect(other.query(sql`select 1 as n`)).resolves.toEqual([{ n: 1 }]);
});
