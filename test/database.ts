import { randomBytes } from 'node:crypto';

import { Client } from 'pg';
import { test as base, inject } from 'vitest';

import type { PostgresDb } from '../src/db/pool.ts';
import { openDb } from '../src/db/pool.ts';
import { silentLog } from '../src/kernel/log.ts';

/**
 * vitest's `test` with a database: a clone of the migrated template, one per test file, made when the first
 * test asks for it. Tests of one file share it, so each makes its own rows.
 *
 * - `connection`: its connection string, for child processes (as DATABASE_URL).
 * - `db`: a pool on it.
 */
export const test = base.extend<{ $file: { connection: string; db: PostgresDb } }>({
  connection: [
    async ({}, use) => {
      await use(await cloneTemplate());
    },
    { scope: 'file' },
  ],
  db: [
    async ({ connection }, use) => {
      await using db = await openDb({ connection, log: silentLog });
      await use(db);
    },
    { scope: 'file' },
  ],
});

/** One more pool on a database, as a competing process would have: `await using other = await openPool(connection)`. */
export function openPool(connection: string, maxConnections = 5): Promise<PostgresDb> {
  return openDb({ connection, log: silentLog }, { maxConnections, applicationName: 'rival' });
}

/**
 * Makes a database of its own and returns its connection string. It is never dropped (that would cut off
 * clients that are still closing); the whole server goes when the run ends.
 */
export async function cloneTemplate(): Promise<string> {
  const { admin, connection } = inject('postgres');
  const name = `test_${randomBytes(6).toString('hex')}`;
  const client = new Client({ connectionString: admin });
  await client.connect();
  // wal_log: measured 60-136 ms, file_copy 400-600 ms.
  await client.query(
    `create database ${name} template template_autodev strategy wal_log owner autodev`,
  );
  await client.end();
  return connection.replace('/template_autodev?', `/${name}?`);
}
