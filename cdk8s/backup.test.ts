import { chmod, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { execa } from 'execa';
import { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { migrate } from '../src/db/migrate.ts';
import { openDb } from '../src/db/pool.ts';
import { silentLog } from '../src/kernel/log.ts';
import { environmentOf } from './checks/environment-fixture.ts';
import { DATABASE_ROLES } from './components.ts';
import type { DebianServer } from './debian-postgres-fixture.ts';
import { debianPostgres, isInstalled, startDebianPostgres } from './debian-postgres-fixture.ts';
import { planSecrets } from './secrets.ts';

const SCRIPTS = path.join(import.meta.dirname, 'scripts');
const PASSWORD = "it's a pass'word \\ with $(everything)";
const STAND_IN = `
  create table repo (id int primary key generated always as identity, path text not null unique, state jsonb);
  create table job (
    id bigint primary key generated always as identity,
    repo_id int not null references repo on delete cascade,
    state smallint not null default 0 check (state between 0 and 13),
    cost numeric(12, 6),
    created_at timestamptz not null default now()
  );
  create index job_open on job (repo_id, id) where state < 10;
  create view open_job as select j.id, r.path from job j join repo r on r.id = j.repo_id where j.state < 10;
  create function finish(p_id bigint) returns void language sql security definer as
    'update job set state = 10 where id = p_id';
  insert into repo (path, state) values ('group/ünïcode', '{"a": 1}');
  insert into job (repo_id, cost) select 1, n / 7.0 from generate_series(1, 500) n;`;
const bin = debianPostgres();

describe.skipIf(bin === undefined || !isInstalled('gpg'))(
  'backup and restore (needs apt-get install postgresql gpg)',
  () => {
    let server: DebianServer;
    let folder: string;
    let secrets: string;
    let work: string;
    let backups: string;

    beforeAll(async () => {
      server = await startDebianPostgres(bin ?? '');
      folder = await mkdtemp(path.join(tmpdir(), 'auto-dev-backup-'));
      [secrets, work, backups] = [
        path.join(folder, 'secrets'),
        path.join(folder, 'work'),
        path.join(folder, 'backups'),
      ];
      await Promise.all(
        [secrets, work, backups, path.join(folder, 'ops')].map((made) =>
          mkdir(made, { mode: 0o700 }),
        ),
      );
      for (const role of DATABASE_ROLES) {
        await writeFile(path.join(secrets, `${role}_password`), `${PASSWORD}${role}`);
      }
      await script('postgres-roles.sh', { SECRETS_FOLDER: secrets });
      await makeOpsKey();
    });

    afterAll(async () => {
      await execa('gpgconf', ['--homedir', path.join(folder, 'ops'), '--kill', 'all'], {
        reject: false,
      });
      await server[Symbol.asyncDispose]();
      await rm(folder, { recursive: true, force: true });
    });

    test('each role signs in with its own password and owns nothing of the others', async () => {
      const roles = await query<{ rolname: string; flags: boolean }>(
        'postgres',
        `select rolname, rolsuper or rolcreaterole or rolcreatedb as flags from pg_roles
          where rolname = any('{${DATABASE_ROLES.join(',')}}')`,
      );

      expect(roles.map(({ rolname }) => rolname).sort()).toEqual([...DATABASE_ROLES].sort());
      expect(roles.filter(({ flags }) => flags)).toEqual([]);
      await expect(query('scheduler', 'select current_user as role')).resolves.toEqual([
        { role: 'autodev' },
      ]);
      await expect(query('scheduler', 'select 1', 'another password')).rejects.toThrow(/password/);
      await expect(query('backup', 'create table public.t (n int)')).rejects.toThrow(
        /permission denied/,
      );
    });

    test('a changed password holds after the script ran again, the old one does not', async () => {
      await writeFile(path.join(secrets, 'webhook_password'), 'the next one\n');

      await script('postgres-roles.sh', { SECRETS_FOLDER: secrets });

      await expect(query('webhook', 'select 1 as n', 'the next one')).resolves.toEqual([{ n: 1 }]);
      await expect(query('webhook', 'select 1')).rejects.toThrow(/password/);
    });

    test('what was dumped and lost is back after a restore, to the last row and index', async () => {
      await makeSchema();
      await query(
        'migrate',
        "create table note as select n, 'a secret of row ' || n as text from generate_series(1, 1000) n",
      );
      const before = await contents();

      await backUp();
      await query('migrate', 'drop schema public cascade; create schema public');
      expect(await contents()).not.toEqual(before);
      const [dump = ''] = await readdir(backups);
      await restore(path.join(backups, dump));

      expect(dump).toMatch(/^postgres\.dump-\d{8}T\d{6}Z\.gpg$/);
      expect(await contents()).toEqual(before);
      expect(before.length).toBeGreaterThan(1000);
    });

    test('nothing of a dump can be read without the ops key, and no plain one is left', async () => {
      await query(
        'migrate',
        "create table if not exists note as select 1 as n, 'a secret of row 1' as text",
      );

      await backUp();

      const names = await readdir(backups);
      const encrypted = await readFile(path.join(backups, names.toSorted().at(-1) ?? ''));
      expect(await readdir(work)).toEqual([]);
      expect(encrypted.includes('a secret of row')).toBe(false);
      expect(encrypted.includes('PGDMP')).toBe(false);
    });

    test('a damaged dump is refused before it reaches the database', async () => {
      await query('migrate', 'create table if not exists kept as select 1 as n');
      await backUp();
      const newest = path.join(backups, (await readdir(backups)).toSorted().at(-1) ?? '');
      const bytes = await readFile(newest);
      const damaged = path.join(folder, 'damaged.gpg');
      await writeFile(damaged, bytes.fill(0, bytes.length - 64, bytes.length - 32));

      await expect(restore(damaged)).rejects.toThrow(/gpg/);

      expect(await query('migrate', 'select n from kept')).toEqual([{ n: 1 }]);
    });

    test('the newest dumps stay, older ones go, other files are left alone', async () => {
      const old = ['20250101', '20250102', '20250103'].map(
        (day) => `postgres.dump-${day}T000000Z.gpg`,
      );
      for (const name of [...old, 'readme.txt', 'qdrant.snapshot-20250101T000000Z.gpg']) {
        await writeFile(path.join(backups, name), '');
      }

      await backUp({ KEEP: '2' });

      const names = await readdir(backups);
      expect(names.filter((name) => name.startsWith('postgres.dump-'))).toHaveLength(2);
      expect(names.filter((name) => old.includes(name)).length).toBeLessThan(2);
      expect(names).toEqual(
        expect.arrayContaining(['readme.txt', 'qdrant.snapshot-20250101T000000Z.gpg']),
      );
    });

    test('a backup without a dump fails, so that somebody looks', async () => {
      const encrypting = script('encrypt.sh', {
        WORK: work,
        BACKUPS: backups,
        KEEP: '2',
        OPS_KEY: opsKey(),
      });

      await expect(encrypting).rejects.toThrow(/nothing to encrypt/);
    });

    /** The product's own schema where the server is as new as the one in the cluster; else what that is made of. */
    async function makeSchema(): Promise<void> {
      if (Number(path.basename(path.dirname(bin ?? ''))) >= 18) {
        await using db = await openDb({ connection: connection('migrate'), log: silentLog });
        await migrate(db);
      } else {
        await query('migrate', STAND_IN);
      }
    }

    /** What the CronJob does: one container dumps, the other encrypts. */
    async function backUp({ KEEP = '14' } = {}): Promise<void> {
      const service = path.join(folder, 'pg_service.conf');
      await writeFile(service, serviceFile(), { mode: 0o600 });
      await script('dump-postgres.sh', { PGSERVICEFILE: service, WORK: work });
      await script('encrypt.sh', { WORK: work, BACKUPS: backups, KEEP, OPS_KEY: opsKey() });
    }

    /** The manifest's, but for the socket in place of the service's name. */
    function serviceFile(): string {
      const plan = planSecrets(environmentOf('prod')).find(
        ({ name }) => name === 'backup-postgres',
      );
      return (plan?.files['pg_service.conf'] ?? '')
        .replace(/host=.*/, `host=${server.host}`)
        .replace('{{ .password }}', `${PASSWORD}backup`);
    }

    async function restore(file: string): Promise<void> {
      await script(
        'restore-postgres.sh',
        { GNUPGHOME: path.join(folder, 'ops'), PGDATABASE_URL: connection('migrate') },
        file,
      );
    }

    async function makeOpsKey(): Promise<void> {
      const home = path.join(folder, 'ops');
      await chmod(home, 0o700);
      const gpg = ['--homedir', home, '--batch', '--quiet'];
      await execa('gpg', [
        ...gpg,
        '--passphrase',
        '',
        '--quick-generate-key',
        'ops@example.com',
        'default',
        'default',
        'never',
      ]);
      const { stdout } = await execa('gpg', [...gpg, '--armor', '--export', 'ops@example.com']);
      await writeFile(opsKey(), stdout);
    }

    function opsKey(): string {
      return path.join(folder, 'ops.asc');
    }

    async function script(
      name: string,
      env: Record<string, string>,
      ...argv: string[]
    ): Promise<void> {
      await execa('sh', [path.join(SCRIPTS, name), ...argv], {
        env: { ...server.env, ...env },
        extendEnv: false,
        stdin: 'ignore',
      });
    }

    function connection(role: string, password = `${PASSWORD}${role}`): string {
      const secret = role === 'postgres' ? '' : `:${encodeURIComponent(password)}`;
      return `postgres://${role}${secret}@${encodeURIComponent(server.host)}:5432/autodev?sslmode=disable`;
    }

    async function query<Row>(role: string, text: string, password?: string): Promise<Row[]> {
      const client = new Client({ connectionString: connection(role, password) });
      try {
        await client.connect();
        const { rows } = await client.query(text);
        return rows;
      } finally {
        await client.end();
      }
    }

    /** Every column, index and constraint, and the rows of two tables. */
    async function contents(): Promise<string[]> {
      const rows = await query<{ line: string }>(
        'postgres',
        `select format('%s.%s %s %s', table_name, column_name, data_type, column_default) as line
            from information_schema.columns where table_schema = 'public'
          union all select indexdef from pg_indexes where schemaname = 'public'
          union all select format('%s %s %s', conrelid::regclass, conname, pg_get_constraintdef(oid))
            from pg_constraint where connamespace = 'public'::regnamespace
          union all select format('%s %s', proname, md5(prosrc)) from pg_proc where pronamespace = 'public'::regnamespace
          order by line`,
      );
      const notes = await query<{ line: string }>(
        'postgres',
        'select text as line from note order by n',
      ).catch(() => []);
      return [...rows, ...notes].map(({ line }) => line);
    }
  },
);
