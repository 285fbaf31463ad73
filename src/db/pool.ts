import { createHash } from 'node:crypto';

import type { ClientConfig, PoolClient, QueryConfig } from 'pg';
import { Pool } from 'pg';

import type { Clock } from '../kernel/clock.ts';
import { systemClock } from '../kernel/clock.ts';
import type { Log } from '../kernel/log.ts';
import { databaseError } from './database-error.ts';
import type { Db, Queryable } from './db.ts';
import { listen } from './listen.ts';
import type { Sql } from './sql.ts';
import { valueParsers } from './value-parsers.ts';

const CLOSE_WITHIN_MS = 1_000;

/** One connection, for as long as the caller holds it. */
export interface Session extends Queryable {
  /** Runs several statements without parameters, as a migration file holds them; rows are dropped. */
  script(text: string): Promise<void>;
}

/** A `Db` that is known to be a pool of PostgreSQL connections. */
export interface PostgresDb extends Db {
  /** Lends one connection, without a transaction: for what belongs to a connection, as session locks do. */
  session<T>(work: (session: Session) => Promise<T>): Promise<T>;
  transaction<T>(work: (tx: Session) => Promise<T>): Promise<T>;
}

interface OpenDbDeps {
  /** `postgres://user:password@host:port/database`; a host that begins with `%2F` is a socket folder. */
  connection: string;
  log: Log;
  clock?: Clock;
}

interface OpenDbOptions {
  /** What `pg_stat_activity` shows. */
  applicationName?: string;
  maxConnections?: number;
  /** The server cancels a statement that runs longer; 0 means never. */
  statementTimeoutMs?: number;
  /** How long to wait for a free or a new connection. */
  connectTimeoutMs?: number;
}

/**
 * Opens a pool and proves that it can connect. A server that goes away later costs the queries that were
 * running (DATABASE_UNAVAILABLE, retryable); the next ones connect again, so nobody needs to reopen.
 *
 * @throws {AppError} DATABASE_UNAVAILABLE, or SETTINGS_INVALID when the login is refused.
 */
export async function openDb(
  { connection, log, clock = systemClock }: OpenDbDeps,
  {
    applicationName = 'autodev',
    maxConnections = 10,
    statementTimeoutMs = 60_000,
    connectTimeoutMs = 10_000,
  }: OpenDbOptions = {},
): Promise<PostgresDb> {
  const config = {
    connectionString: connection,
    application_name: applicationName,
    // A peer that vanished without a word is found by probes, not by the next query hanging.
    keepAlive: true,
    // Without it the first probe goes out after the system's two hours.
    keepAliveInitialDelayMillis: 10_000,
    connectionTimeoutMillis: connectTimeoutMs,
    types: valueParsers,
  } satisfies ClientConfig;

  const pool = new Pool({
    ...config,
    statement_timeout: statementTimeoutMs,
    max: maxConnections,
    idleTimeoutMillis: 30_000,
  });
  // Without listeners a lost connection would be an uncaught exception: the pool's covers idle ones, the
  // client's those that are lent out. The query that was running reports the loss to its caller.
  // Never the error itself: `pg` hangs the whole client on it, with the text of every statement it prepared.
  const closed = new AbortController();
  pool.on('error', (error) => {
    if (!closed.signal.aborted) {
      log.warn({ err: databaseError(error) }, 'idle database connection lost');
    }
  });
  pool.on('connect', (client) => {
    client.on('error', (error) =>
      log.debug({ err: databaseError(error) }, 'database connection lost'),
    );
  });

  const listeners = new Set<Promise<void>>();
  const named = statementNames();

  /** Lends a connection to `work`; one whose work failed on the connection itself is thrown away. */
  const lend = async <T>(work: (client: PoolClient) => Promise<T>): Promise<T> => {
    const client = await pool.connect().catch((error: unknown) => {
      throw databaseError(error);
    });
    let broken: Error | undefined;
    // The error may come between two queries, when there is none to report it.
    const onError = (error: Error): void => {
      broken = error;
    };
    client.once('error', onError);
    try {
      return await work(client);
    } catch (error) {
      broken ??= brokenConnection(error);
      throw error;
    } finally {
      client.off('error', onError);
      client.release(broken);
    }
  };

  const db: PostgresDb = {
    query: (query) => lend((client) => run(client, named(query))),
    session: (work) => lend((client) => work(sessionOn(client, named))),
    transaction: (work) =>
      lend(async (client) => {
        const tx = sessionOn(client, named);
        await tx.script('begin');
        try {
          const result = await work(tx);
          await commit(client);
          return result;
        } catch (error) {
          // A rollback that fails means a dead connection, whose transaction the server ends itself.
          await tx.script('rollback').catch((err: unknown) => {
            log.debug({ err }, 'rollback failed');
          });
          throw error;
        }
      }),
    listen: async (channel, onMessage, signal) => {
      const stop = AbortSignal.any([signal, closed.signal]);
      const { listening, ended } = listen({ config, clock, log }, channel, onMessage, stop);
      listeners.add(ended);
      void ended.finally(() => listeners.delete(ended));
      await listening;
    },
    [Symbol.asyncDispose]: async () => {
      closed.abort();
      await Promise.all(listeners);
      if (!pool.ending) {
        const left = untilRemoved(pool, clock);
        await pool.end();
        await left;
      }
    },
  };

  try {
    await db.query({ text: 'select 1', values: [] });
  } catch (error) {
    await db[Symbol.asyncDispose]();
    throw error;
  }
  return db;
}

/**
 * `pool.end()` asks its connections to close and does not wait for them. Without this a server that is stopped next
 * finds some still there, and says FATAL of each. A server that does not answer is not waited for.
 */
async function untilRemoved(pool: Pool, clock: Clock): Promise<void> {
  const open = pool.totalCount;
  const stop = new AbortController();
  let removed = 0;
  const onRemove = (): void => {
    removed += 1;
    if (removed >= open) {
      stop.abort();
    }
  };
  pool.on('remove', onRemove);
  if (open > 0) {
    await clock.sleep(CLOSE_WITHIN_MS, stop.signal);
  }
}

function sessionOn(client: PoolClient, named: (query: Sql) => QueryConfig): Session {
  return {
    query: (query) => run(client, named(query)),
    script: async (text) => {
      await run(client, { text });
    },
  };
}

async function run<Row>(client: PoolClient, config: QueryConfig): Promise<Row[]> {
  try {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- row types are proven by each query's test
    return (await client.query(config)).rows as Row[];
  } catch (error) {
    throw databaseError(error);
  }
}

/** A transaction in which a query failed cannot commit: PostgreSQL rolls it back and reports no error. */
async function commit(client: PoolClient): Promise<void> {
  const { command } = await client.query('commit').catch((error: unknown) => {
    throw databaseError(error);
  });
  if (command !== 'COMMIT') {
    throw new Error(
      'the transaction was rolled back: a query in it failed and the error was swallowed',
    );
  }
}

function brokenConnection(error: unknown): Error | undefined {
  return error instanceof Error && 'code' in error && error.code === 'DATABASE_UNAVAILABLE'
    ? error
    : undefined;
}

/** Names each statement by its text, so that a connection parses and plans it once. */
function statementNames(): (query: Sql) => QueryConfig {
  const names = new Map<string, string>();
  return ({ text, values }) => {
    let name = names.get(text);
    if (name === undefined) {
      name = createHash('sha256').update(text).digest('base64url').slice(0, 22);
      names.set(text, name);
    }
    return { name, text, values: [...values] };
  };
}
