import { AppError } from '../kernel/errors.ts';

/** What Node reports when the server cannot be reached, or goes away in the middle. */
const UNREACHABLE = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ENOENT', // the socket file is gone: nobody listens
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
]);

/** What `pg` says, without a code, about a connection that ended or could not be had. */
const CONNECTION_LOST =
  /^Connection terminated|timeout exceeded when trying to connect|^Client (has encountered a connection error|was closed)/;

/**
 * Names what can be expected of a database, keeping the cause; anything else (a broken constraint, a typing
 * mistake in a query) comes back as it is, because it is either for the caller to know or a bug.
 *
 * The classes are PostgreSQL's SQLSTATE codes, appendix A of its manual.
 */
export function databaseError(error: unknown): unknown {
  if (!(error instanceof Error) || error instanceof AppError) {
    return error;
  }
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';

  if (isUnavailable(code) || (code === '' && CONNECTION_LOST.test(error.message))) {
    return new AppError('DATABASE_UNAVAILABLE', 'the database cannot be reached', {
      cause: error,
      details: { reason: code || error.message },
    });
  }
  if (code === '28P01' || code === '28000' || code === '3D000') {
    return new AppError('SETTINGS_INVALID', `the database refused the login: ${error.message}`, {
      cause: error,
      remedy: 'check user, password and database name in DATABASE_URL',
    });
  }
  if (code === '57014') {
    return new AppError('TIMEOUT', 'a query was cancelled, most likely by its time limit', {
      cause: error,
    });
  }
  // Another transaction won: serialization failure, deadlock, lock timeout.
  if (code === '40001' || code === '40P01' || code === '55P03') {
    return new AppError('BUSY', 'another transaction was in the way', { cause: error });
  }
  return error;
}

function isUnavailable(code: string): boolean {
  return (
    UNREACHABLE.has(code) ||
    code.startsWith('08') || // connection exception
    code.startsWith('53') || // out of disk, memory or connections
    code.startsWith('57P') || // shutting down, crashed, starting up
    code === '25006' // a failover left us on a read-only server
  );
}
