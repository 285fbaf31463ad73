import { expect, test } from 'vitest';

import { startEmbedded } from '../src/db/embedded/start.ts';
import type { PostgresDb } from '../src/db/pool.ts';
import { sql } from '../src/db/sql.ts';
import { openPool } from './database.ts';
import { deadlockWatch } from './deadlock-watch.ts';
import { dataFolder, embeddedDeps } from './embedded.ts';

test('a deadlock fails the watch with the queries that met, even when its victim tried again', async () => {
  await using folder = await dataFolder();
  const watch = deadlockWatch();
  const server = await startEmbedded(embeddedDeps, {
    ...folder,
    temporary: true,
    onLog: (line) => watch.read(line),
  });
  const db = await openPool(server.connection);

  const outcomes = await deadlock(db);
  await db[Symbol.asyncDispose]();
  await server.stop();

  expect(outcomes).toEqual(expect.arrayContaining(['done', 'BUSY']));
  expect(() => watch.assertNone()).toThrow(/deadlock detected[^]*pg_advisory_xact_lock/);
});

test('other errors in the log are not deadlocks', () => {
  const watch = deadlockWatch();

  watch.read('2026-11-22 10:00:00.000 UTC [1] db 23505 ERROR:  duplicate key, not 40P01 at all');

  expect(() => watch.assertNone()).not.toThrow();
});

/** Two transactions that take two locks in opposite order; what became of each. */
async function deadlock(db: PostgresDb): Promise<string[]> {
  const holds = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const take = (mine: number): Promise<string> =>
    db.transaction(async (tx) => {
      await tx.query(sql`select pg_advisory_xact_lock(${mine})`);
      holds[mine]?.resolve();
      await holds[1 - mine]?.promise;
      await tx.query(sql`select pg_advisory_xact_lock(${1 - mine})`);
      return 'done';
    });

  const results = await Promise.allSettled([take(0), take(1)]);
  return results.map((result) =>
    result.status === 'fulfilled' ? result.value : String(result.reason.code),
  );
}
