import type { Sql } from './sql.ts';

/** Anything that can run SQL: the pool, or one connection inside a transaction. */
export interface Queryable {
  query<Row>(query: Sql): Promise<Row[]>;
}

export interface Db extends Queryable, AsyncDisposable {
  /** Commits what `work` did when it resolves and rolls back when it rejects. Does not retry. */
  transaction<T>(work: (tx: Queryable) => Promise<T>): Promise<T>;
  /**
   * Calls `onMessage` for each notification on `channel`, and once after every (re)connection, because what
   * was sent while nobody listened is lost. Resolves when listening; stops when `signal` aborts.
   */
  listen(channel: string, onMessage: (payload: string) => void, signal: AbortSignal): Promise<void>;
}
