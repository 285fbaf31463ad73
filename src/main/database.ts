import type { SupervisedServer } from '../db/embedded/supervise.ts';
import { superviseEmbedded } from '../db/embedded/supervise.ts';
import { migrate } from '../db/migrate.ts';
import type { PostgresDb } from '../db/pool.ts';
import { openDb } from '../db/pool.ts';
import type { Clock } from '../kernel/clock.ts';
import type { Log } from '../kernel/log.ts';
import type { Service } from '../kernel/service.ts';
import { aborted } from '../kernel/service.ts';
import type { DataDir } from './data-dir.ts';

export interface Database extends AsyncDisposable {
  readonly db: PostgresDb;
  /** The embedded server; undefined where DATABASE_URL names another one. */
  readonly server: SupervisedServer | undefined;
  /** Keeps the embedded server running. */
  readonly supervise: Service;
}

/** Opens the database that the settings name, or our own in the data directory, and brings its schema up to date. */
export async function openDatabase(
  { clock, log }: { clock: Clock; log: Log },
  { url, data, searchPath }: { url: string | undefined; data: DataDir; searchPath: string },
): Promise<Database> {
  const server =
    url === undefined
      ? await superviseEmbedded({ clock, log, env: { PATH: searchPath } }, { dataDir: data.folder })
      : undefined;
  try {
    const connection = url ?? server?.connection ?? '';
    const db = await openDb({ connection, log, clock }, { maxConnections: 20 });
    await migrate(db);
    return {
      db,
      server,
      supervise: server?.supervise ?? aborted,
      [Symbol.asyncDispose]: async () => {
        await db[Symbol.asyncDispose]();
        await server?.[Symbol.asyncDispose]();
      },
    };
  } catch (error) {
    await server?.[Symbol.asyncDispose]();
    throw error;
  }
}
