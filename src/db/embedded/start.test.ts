import {
  chmod,
  chown,
  mkdir,
  mkdtemp,
  readdir,
  rm,
  rmdir,
  stat,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { describe, expect, test } from 'vitest';

import { openPool } from '../../../test/database.ts';
import type { ChildReport } from '../../../test/embedded.ts';
import { dataFolder, embeddedDeps, ordinaryAccount, startInChild } from '../../../test/embedded.ts';
import { sql } from '../sql.ts';
import { findBinaries } from './binaries.ts';
import { isAlive } from './postmaster-file.ts';
import { startEmbedded } from './start.ts';

const asRoot = process.getuid?.() === 0;
const ordinary = await ordinaryAccount();

describe('who may do what', () => {
  test('the product owns its database and is no superuser', async () => {
    await using folder = await dataFolder();
    await using server = await startEmbedded(embeddedDeps, { ...folder, temporary: true });
    await using db = await openPool(server.connection);

    const role = await db.query(sql`
      select current_user as name, rolsuper, rolcreatedb, rolcreaterole, rolreplication, rolbypassrls,
        (select datdba = r.oid from pg_database where datname = current_database()) as owner
      from pg_roles r where rolname = current_user`);
    const settings = await db.query(sql`
      select name, setting from pg_settings
      where name in ('listen_addresses', 'max_connections', 'shared_buffers') order by name`);

    expect(role).toEqual([
      {
        name: 'autodev',
        rolsuper: false,
        rolcreatedb: false,
        rolcreaterole: false,
        rolreplication: false,
        rolbypassrls: false,
        owner: true,
      },
    ]);
    expect(settings).toEqual([
      { name: 'listen_addresses', setting: '' },
      { name: 'max_connections', setting: '200' },
      { name: 'shared_buffers', setting: '16384' }, // pages of 8 KiB: 128 MiB
    ]);
  });

  test('nobody gets in without the password, which only we can read', async () => {
    await using folder = await dataFolder();
    await using server = await startEmbedded(embeddedDeps, { ...folder, temporary: true });
    const home = path.dirname(server.clusterDir);
    const socketDir = decodeURIComponent(new URL(server.connection).hostname);

    for (const connection of [server.connection, server.admin]) {
      await expect(openPool(connection.replace(/:[^:@]+@/, ':guessed@'))).rejects.toMatchObject({
        code: 'SETTINGS_INVALID',
      });
    }
    for (const name of ['autodev.password', 'postgres.password']) {
      const { mode, uid } = await stat(path.join(home, name));
      expect([mode & 0o777, uid]).toEqual([0o600, process.getuid?.()]);
    }
    expect((await stat(socketDir)).mode & 0o777).toBe(0o700);
    expect((await readdir(home)).sort()).toEqual([
      'autodev.password',
      'cluster',
      'postgres.password',
    ]);
  });

  test.runIf(ordinary)('an ordinary user runs it as himself', async () => {
    await using folder = await dataFolder();
    await chown(folder.dataDir, ordinary?.uid ?? 0, ordinary?.gid ?? 0);

    await using child = await startInChild(folder.dataDir, ordinary);

    expect(child.report).toMatchObject({
      reused: false,
      clusterDir: path.join(folder.dataDir, 'postgres', 'cluster'),
    });
  });

  test.runIf(asRoot)(
    'root keeps it in /var/lib/autodev when its account cannot reach the data',
    async () => {
      const hidden = await mkdtemp(path.join(tmpdir(), 'autodev-data-')); // 0700

      const server = await startEmbedded(embeddedDeps, { dataDir: hidden, temporary: true });
      await server.stop();

      expect(server.clusterDir).toMatch(
        /^\/var\/lib\/autodev\/data-[0-9a-f]{12}-[0-9a-f]{8}\/cluster$/,
      );
      await rm(hidden, { recursive: true });
      await rmdir('/var/lib/autodev').catch(() => {}); // unless somebody uses it
    },
  );
});

describe('several processes', () => {
  test('a second one joins the server that runs, and leaves it running', async () => {
    await using folder = await dataFolder();
    await using server = await startEmbedded(embeddedDeps, { ...folder, temporary: true });

    const child = await startInChild(folder.dataDir);
    await child[Symbol.asyncDispose]();

    expect(child.report).toMatchObject({
      pid: server.pid,
      reused: true,
      connection: server.connection,
    });
    expect(isAlive(server.pid)).toBe(true);
  });

  test('two cold starts at once share one new cluster', async () => {
    await using folder = await dataFolder();

    const [one, two] = await Promise.all([
      startInChild(folder.dataDir),
      startInChild(folder.dataDir),
    ]);
    await using first = one;
    await using second = two;

    expect(first.report).toMatchObject({ pid: expect.any(Number) });
    expect(second.report).toMatchObject({ pid: 'pid' in first.report ? first.report.pid : 0 });
    expect((await readdir(path.join(folder.dataDir, 'postgres'))).sort()).toEqual([
      'autodev.password',
      'cluster',
      'postgres.password',
    ]);
  });
});

describe('crashes', () => {
  test('a killed process leaves no server behind, and the next start has its rows', async () => {
    await using folder = await dataFolder();
    const child = await startInChild(folder.dataDir);
    const { pid, connection } = started(child.report);
    const db = await openPool(connection);
    await db.query(sql`create table kept as select 1 as n`);

    await child.kill();

    // At once, so that it meets the postmaster while that is still shutting down.
    await using server = await startEmbedded(embeddedDeps, folder);
    await using reopened = await openPool(server.connection);
    expect(await reopened.query(sql`select n from kept`)).toEqual([{ n: 1 }]);
    await expect.poll(() => isAlive(pid), { timeout: 20_000 }).toBe(false);
    expect(server.reused).toBe(false);
    await db[Symbol.asyncDispose]();
  });

  test('the lock file of a dead server, whose pid is another process now, is in nobody’s way', async () => {
    await using folder = await dataFolder();
    const clusterDir = await abandonedCluster(folder.dataDir);
    const stale = [String(process.ppid), clusterDir, '1', '5432', '/elsewhere', '', '1 1', 'ready'];
    await writeFile(path.join(clusterDir, 'postmaster.pid'), `${stale.join('\n')}\n`);

    await using server = await startEmbedded(embeddedDeps, folder);

    expect(server.reused).toBe(false);
  });
});

describe('what cannot work says what to do', () => {
  test('a cluster of another major version', async () => {
    await using folder = await dataFolder();
    const clusterDir = path.join(folder.dataDir, 'postgres', 'cluster');
    await mkdir(clusterDir, { recursive: true });
    await writeFile(path.join(clusterDir, 'PG_VERSION'), '15\n');

    await expect(startEmbedded(embeddedDeps, folder)).rejects.toMatchObject({
      code: 'DATA_DIR_UNUSABLE',
      message: expect.stringContaining('PostgreSQL 15'),
      remedy: expect.stringContaining('dump'),
    });
  });

  test.runIf(ordinary !== undefined || !asRoot)(
    'a data folder without write permission',
    async () => {
      await using folder = await dataFolder();
      await chmod(folder.dataDir, 0o555);

      await using child = await startInChild(folder.dataDir, ordinary);

      expect(child.report).toMatchObject({
        error: { code: 'DATA_DIR_UNUSABLE', remedy: expect.stringContaining('writable') },
      });
    },
  );

  test('passwords that were lost', async () => {
    await using folder = await dataFolder();
    const clusterDir = await abandonedCluster(folder.dataDir);
    await rm(path.join(path.dirname(clusterDir), 'postgres.password'));

    await expect(startEmbedded(embeddedDeps, folder)).rejects.toMatchObject({
      code: 'DATA_DIR_UNUSABLE',
      remedy: expect.stringContaining('*.password'),
    });
  });

  test('a platform without binaries', async () => {
    await expect(findBinaries('linux', 's390x')).rejects.toMatchObject({
      code: 'DATABASE_UNAVAILABLE',
      remedy: expect.stringContaining('DATABASE_URL'),
    });
  });
});

function started(report: ChildReport): Exclude<ChildReport, { error: unknown }> {
  if ('error' in report) {
    throw new Error(report.error.message);
  }
  return report;
}

/** A cluster whose process was killed and whose server has ended; its folder. */
async function abandonedCluster(dataDir: string): Promise<string> {
  const child = await startInChild(dataDir);
  const { pid, clusterDir } = started(child.report);
  await child.kill();
  await expect.poll(() => isAlive(pid), { timeout: 20_000 }).toBe(false);
  return clusterDir;
}
