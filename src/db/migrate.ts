import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';

import type { Clock } from '../kernel/clock.ts';
import { systemClock } from '../kernel/clock.ts';
import { AppError } from '../kernel/errors.ts';
import type { Queryable } from './db.ts';
import type { PostgresDb, Session } from './pool.ts';
import { sql } from './sql.ts';

/** One file `NNNN_name.sql`, applied once, in order, and never edited afterwards. */
interface Migration {
  version: number;
  name: string;
  text: string;
  checksum: string;
  /** False for a file whose first line is the marker: it holds one statement that must run alone. */
  transactional: boolean;
}

interface MigrateOptions {
  folder?: string;
  clock?: Clock;
}

const FOLDER = path.join(import.meta.dirname, 'migrations');
const NO_TRANSACTION = '-- autodev:no-transaction';
/** Any number that nobody else in the database takes. */
const LOCK = 2_886_338;
const NEVER = new AbortController().signal;

/**
 * Brings the schema up to the newest migration and says where it stood and stands (0: empty). Any number of
 * processes may call it at once: one migrates, the others wait and find nothing to do. Each migration and
 * its row in `schema_migration` commit together, so a kill in between loses or repeats nothing; one marked
 * `-- autodev:no-transaction` may be repeated and has to be written so (`create index concurrently if not
 * exists`).
 *
 * @throws {AppError} SCHEMA_NEWER when the database is ahead of this build.
 */
export async function migrate(
  db: PostgresDb,
  { folder = FOLDER, clock = systemClock }: MigrateOptions = {},
): Promise<{ from: number; to: number }> {
  const migrations = await readMigrations(folder);

  return db.session(async (session) => {
    await lock(session, clock);
    try {
      // An index on a large table takes the time that it takes.
      await session.script('set statement_timeout = 0');
      await session.script(`create table if not exists schema_migration (
        version integer primary key,
        name text not null,
        checksum text not null,
        applied_at timestamptz not null default now()
      )`);
      const from = await appliedVersion(session, migrations);
      for (const migration of migrations.slice(from)) {
        await apply(session, migration);
      }
      return { from, to: migrations.length };
    } finally {
      // On a connection that is gone the lock is, too.
      await session.script('reset statement_timeout').catch(() => {});
      await session.query(sql`select pg_advisory_unlock(${LOCK})`).catch(() => {});
    }
  });
}

/**
 * For processes that must not migrate: whether the database is what this build was written for.
 *
 * @throws {AppError} SCHEMA_NEWER, or UNAVAILABLE (retryable) while migrations are still to come.
 */
export async function checkSchema(
  db: Queryable,
  { folder = FOLDER }: Pick<MigrateOptions, 'folder'> = {},
): Promise<void> {
  const migrations = await readMigrations(folder);
  const [table] = await db.query<{ exists: boolean }>(
    sql`select to_regclass('schema_migration') is not null as exists`,
  );
  const version = table?.exists === true ? await appliedVersion(db, migrations) : 0;

  if (version < migrations.length) {
    throw new AppError(
      'UNAVAILABLE',
      `the database schema is at version ${version}, this build needs ${migrations.length}`,
      { remedy: 'run `autodev migrate`' },
    );
  }
}

async function readMigrations(folder: string): Promise<Migration[]> {
  const files = (await readdir(folder)).filter((file) => file.endsWith('.sql')).sort();

  return Promise.all(
    files.map(async (file, i) => {
      const [, number = '', name = ''] = /^(\d{4})_([a-z0-9_]+)\.sql$/.exec(file) ?? [];
      if (Number(number) !== i + 1) {
        throw new Error(`${path.join(folder, file)}: expected ${pad(i + 1)}_<name>.sql`);
      }
      const text = await readFile(path.join(folder, file), 'utf8');
      return {
        version: i + 1,
        name,
        text,
        // Line ends are not content: a checkout may convert them.
        checksum: createHash('sha256').update(text.replaceAll('\r\n', '\n')).digest('hex'),
        transactional: !text.startsWith(NO_TRANSACTION),
      };
    }),
  );
}

/**
 * Tries instead of waiting in the lock: a waiting statement holds a snapshot, for whose end the winner's
 * `create index concurrently` would wait, which is a deadlock.
 */
async function lock(session: Session, clock: Clock): Promise<void> {
  for (;;) {
    const [row] = await session.query<{ locked: boolean }>(
      sql`select pg_try_advisory_lock(${LOCK}) as locked`,
    );
    if (row?.locked === true) {
      return;
    }
    await clock.sleep(50, NEVER);
  }
}

/** How many migrations the database has, after making sure that they are these. */
async function appliedVersion(db: Queryable, migrations: readonly Migration[]): Promise<number> {
  const applied = await db.query<{ version: number; name: string; checksum: string }>(
    sql`select version, name, checksum from schema_migration order by version`,
  );

  if (applied.length > migrations.length) {
    throw new AppError(
      'SCHEMA_NEWER',
      `the database schema is at version ${applied.length}, this build knows ${migrations.length}`,
      { remedy: 'start the newer build again; a schema is never taken back' },
    );
  }
  for (const [i, row] of applied.entries()) {
    const migration = migrations[i];
    if (migration?.version !== row.version || migration.checksum !== row.checksum) {
      throw new Error(
        `migration ${pad(row.version)}_${row.name} was edited after it was applied: undo that, and add a new one`,
      );
    }
  }
  return applied.length;
}

async function apply(session: Session, migration: Migration): Promise<void> {
  const { version, name, checksum, text, transactional } = migration;
  const record = sql`insert into schema_migration (version, name, checksum)
    values (${version}, ${name}, ${checksum})`;

  if (!transactional) {
    await session.script(text);
    await session.query(record);
    return;
  }
  await session.script('begin');
  try {
    await session.script(text);
    await session.query(record);
    await session.script('commit');
  } catch (error) {
    await session.script('rollback').catch(() => {});
    throw error;
  }
}

function pad(version: number): string {
  return String(version).padStart(4, '0');
}
