import type { PostgresDb } from '../db/pool.ts';
import { sql } from '../db/sql.ts';
import type { Clock } from '../kernel/clock.ts';
import { AppError } from '../kernel/errors.ts';
import type { Service } from '../kernel/service.ts';
import type { DataDir } from './data-dir.ts';
import { readServerUrl } from './data-dir.ts';

const AGAIN_MS = 500;
const PING_EVERY_MS = 2000;

interface InstanceLock extends AsyncDisposable {
  /** Holds the lock (again, after the database restarted) until the process stops. */
  readonly hold: Service;
}

/**
 * Makes sure that one `up` runs on a data directory: a session lock of its database, which the server releases by
 * itself when the session's process is gone. Dispose of it before the database: it lends a connection of it, also
 * when the start fails before `hold` runs.
 *
 * @throws {AppError} BUSY with where the other one runs
 */
export async function takeInstanceLock(
  deps: { db: PostgresDb; clock: Clock },
  data: DataDir,
): Promise<InstanceLock> {
  const taken = Promise.withResolvers<boolean>();
  const stop = new AbortController();
  const first = hold(deps, data, stop.signal, taken.resolve);
  first.catch(taken.reject);
  if (!(await taken.promise)) {
    throw await busy(data);
  }

  const holdOn: Service = async (signal) => {
    signal.addEventListener('abort', () => stop.abort(), { once: true });
    let session = first;
    while (!signal.aborted) {
      try {
        await session;
      } catch (error) {
        // The connection is gone, and the lock with it: others may take it until we have it again.
        if (!(error instanceof AppError) || !error.retryable) {
          throw error;
        }
      }
      await deps.clock.sleep(AGAIN_MS, signal);
      if (!signal.aborted) {
        const again = Promise.withResolvers<boolean>();
        session = hold(deps, data, stop.signal, again.resolve);
        session.catch(again.reject);
        if (!(await again.promise.catch(() => true))) {
          throw await busy(data);
        }
      }
    }
    stop.abort();
    await session.catch(() => {});
  };
  return {
    hold: holdOn,
    [Symbol.asyncDispose]: async () => {
      stop.abort();
      await first.catch(() => {});
    },
  };
}

/** Resolves when `signal` aborts, rejects when the connection is lost. */
async function hold(
  { db, clock }: { db: PostgresDb; clock: Clock },
  { folder }: DataDir,
  signal: AbortSignal,
  answer: (taken: boolean) => void,
): Promise<void> {
  await db.session(async (session) => {
    const [row] = await session.query<{ taken: boolean }>(
      sql`select pg_try_advisory_lock(hashtextextended(${`autodev.up ${folder}`}, 0)) as taken`,
    );
    const taken = row?.taken ?? false;
    answer(taken);
    if (!taken) {
      return;
    }
    // A connection that is lost tells nobody who does not use it.
    while (!signal.aborted) {
      await session.query(sql`select 1`);
      await clock.sleep(PING_EVERY_MS, signal);
    }
    await session.query(sql`select pg_advisory_unlock_all()`);
  });
}

async function busy(data: DataDir): Promise<AppError> {
  const url = await readServerUrl(data);
  return new AppError('BUSY', `Auto-Dev runs on ${data.folder} already${url ? `: ${url}` : ''}`, {
    remedy: 'Use that one, stop it first, or start another one with `--data DIR --port N`.',
  });
}
