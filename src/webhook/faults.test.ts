import { connect } from 'node:net';

import { expect } from 'vitest';

import { test } from '../../test/database.ts';
import type { Queryable } from '../db/db.ts';
import { sql } from '../db/sql.ts';
import { AppError } from '../kernel/errors.ts';
import { payloads, webhookFixture } from './webhook-fixture.ts';

test('while the database is away a delivery is put off, and taken when it comes again', async ({
  db,
}) => {
  let isAway = true;
  const through: Queryable = {
    query: (query) =>
      isAway
        ? Promise.reject(new AppError('DATABASE_UNAVAILABLE', 'the database cannot be reached'))
        : db.query(query),
  };
  await using hooks = await webhookFixture(db, { through });
  const repoId = await hooks.repo(15);

  const first = await hooks.send(payloads.issue(), { id: 'one-delivery' });
  isAway = false;
  const again = await hooks.send(payloads.issue(), { id: 'one-delivery' });

  expect([first.statusCode, first.headers['retry-after']]).toEqual([503, '5']);
  expect(again.statusCode).toBe(200);
  expect(await hooks.hints(repoId)).toEqual(['issue:23']);
  expect(await hooks.counts()).toEqual({ database_away: 1, stored: 1 });
});

test('a database that hangs costs a bounded time, also those who wait behind', async ({ db }) => {
  const through: Queryable = { query: () => new Promise(() => {}) };
  await using hooks = await webhookFixture(db, {
    through,
    limits: { timeoutMs: 50, mostInBatch: 1 },
  });

  const answers = await Promise.all(Array.from({ length: 10 }, () => hooks.send(payloads.issue())));

  expect(answers.map(({ statusCode }) => statusCode)).toEqual(Array(10).fill(503));
});

test('more than can wait is told to come back, and costs those that wait nothing', async ({
  db,
}) => {
  const go = Promise.withResolvers<void>();
  const through: Queryable = {
    query: async (query) => {
      await go.promise;
      return db.query(query);
    },
  };
  await using hooks = await webhookFixture(db, { through, limits: { mostWaiting: 3 } });
  await hooks.repo(15);

  const sent = Array.from({ length: 8 }, (_, i) => hooks.send(payloads.issue({ iid: i + 1 })));
  const refused = await Promise.race(sent);
  go.resolve();
  const answers = await Promise.all(sent);

  expect([refused.statusCode, refused.headers['retry-after']]).toEqual([429, '5']);
  expect(answers.map(({ statusCode }) => String(statusCode)).toSorted()).toEqual([
    ...Array(3).fill('200'),
    ...Array(5).fill('429'),
  ]);
});

test('an answer means that it is committed: what is lost before is not answered', async ({
  db,
}) => {
  const through: Queryable = {
    query: async (query) => {
      await db.query(query);
      // The connection broke after the commit: nobody knows.
      throw new AppError('DATABASE_UNAVAILABLE', 'the database cannot be reached');
    },
  };
  await using hooks = await webhookFixture(db, { through });
  const repoId = await hooks.repo(15);

  const { statusCode } = await hooks.send(payloads.issue(), { id: 'one-delivery' });

  expect(statusCode).toBe(503);
  expect(await hooks.hints(repoId)).toEqual(['issue:23']);
});

test('a delivery that cannot be stored costs no other one', async ({ db }) => {
  const through: Queryable = {
    query: async (query) => {
      if (JSON.stringify(query.values).includes('issue:13')) {
        throw new TypeError('no row of undefined');
      }
      return db.query(query);
    },
  };
  await using hooks = await webhookFixture(db, { through });
  await hooks.repo(15);

  const answers = await Promise.all([12, 13, 14].map((iid) => hooks.send(payloads.issue({ iid }))));

  expect(answers.map(({ statusCode }) => statusCode)).toEqual([200, 500, 200]);
  expect(await hooks.counts()).toEqual({ failed: 1, stored: 2 });
});

test('nobody unknown makes us read a body', async ({ db }) => {
  await using hooks = await webhookFixture(db);
  const url = new URL(await hooks.app.listen({ host: '127.0.0.1', port: 0 }));
  const socket = connect(Number(url.port), url.hostname);
  // Of the five million bytes that it announces not one is sent.
  socket.write(
    'POST /webhook HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 5000000\r\n\r\n',
  );

  const answer = await new Promise<string>((resolve) => {
    socket.once('data', (data) => resolve(String(data)));
  });
  socket.destroy();

  expect(answer).toMatch(/^HTTP\/1\.1 401 /);
});

test('two batches of the same deliveries in other orders wait for each other in no circle', async ({
  db,
}) => {
  await using hooks = await webhookFixture(db);
  await hooks.repo(15);
  await hooks.repo(16);
  await db.query(sql`update repo_sync set next_at = now() + interval '1 hour'`);
  const deliveries = Array.from({ length: 200 }, (_, i) => ({
    body: payloads.push({
      project: 15 + (i % 2),
      ref: `refs/heads/${i % 7 === 0 ? 'main' : `b${i}`}`,
    }),
    id: `delivery-${i}`,
  }));

  const answers = await Promise.all(
    [deliveries, deliveries.toReversed()].flatMap((list) =>
      list.map(({ body, id }) => hooks.send(body, { id })),
    ),
  );

  expect(answers.every(({ statusCode }) => statusCode === 200)).toBe(true);
  expect(await hooks.counts()).toEqual({ stored: 200, duplicate: 200 });
});
