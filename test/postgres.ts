import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { Client } from 'pg';
import type { TestProject } from 'vitest/node';

import type { EmbeddedServer } from '../src/db/embedded/start.ts';
import { startEmbedded } from '../src/db/embedded/start.ts';
import { migrate } from '../src/db/migrate.ts';
import { openDb } from '../src/db/pool.ts';
import { systemClock } from '../src/kernel/clock.ts';
import { silentLog } from '../src/kernel/log.ts';
import { deadlockWatch } from './deadlock-watch.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** The one server of the test run. */
    postgres: {
      /** As the superuser; use it through test/database.ts. */
      admin: string;
      /** As `autodev`, to the template database; replace its path with a clone's name. */
      connection: string;
    };
  }
}

/**
 * vitest's global set-up: one throw-away server for all test files, with a migrated database `template_autodev`
 * for them to clone. The run fails when any test caused a deadlock, even one that a retry hid.
 */
// oxlint-disable-next-line import/no-default-export -- vitest's contract
export default async function startTestServer(project: TestProject): Promise<() => Promise<void>> {
  const dir = await mkdtemp(path.join(tmpdir(), 'autodev-test-'));
  await chmod(dir, 0o711); // as root, the server's account passes through
  const deadlocks = deadlockWatch();
  const server = await startEmbedded(
    { clock: systemClock, log: silentLog, env: { PATH: process.env['PATH'] ?? '' } },
    { dataDir: dir, temporary: true, onLog: (line) => deadlocks.read(line) },
  );
  const stop = async (): Promise<void> => {
    await server.stop();
    await rm(dir, { recursive: true, force: true });
  };

  try {
    const connection = await makeTemplate(server);
    project.provide('postgres', { admin: server.admin, connection });
  } catch (error) {
    await stop();
    throw error;
  }
  return async () => {
    await stop();
    deadlocks.assertNone();
  };
}

/** Makes the database that test files clone, and returns its connection string. */
async function makeTemplate(server: EmbeddedServer): Promise<string> {
  const connection = withDatabase(server.connection, 'template_autodev');
  const admin = new Client({ connectionString: server.admin });
  await admin.connect();
  try {
    await admin.query('create database template_autodev owner autodev');
    await migrateTemplate(connection);
    // Nobody may be connected to a database that is cloned.
    await admin.query(
      'alter database template_autodev with is_template true allow_connections false',
    );
    return connection;
  } finally {
    await admin.end();
  }
}

async function migrateTemplate(connection: string): Promise<void> {
  await using template = await openDb({ connection, log: silentLog });
  await migrate(template);
}

function withDatabase(connection: string, database: string): string {
  const url = new URL(connection);
  url.pathname = `/${database}`;
  return url.href;
}
