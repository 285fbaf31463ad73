import type { Clock } from '../../kernel/clock.ts';
import { AppError } from '../../kernel/errors.ts';
import type { Log } from '../../kernel/log.ts';
import type { RedisAddress } from './address.ts';
import { redisFailure } from './failure.ts';
import type { RedisSession } from './session.ts';
import { openSession } from './session.ts';

const FIRST_WAIT_MS = 100;
const LONGEST_WAIT_MS = 5_000;
/** A connection that stood so long was a good one: after it the waits begin anew. */
const STOOD_MS = 5_000;

interface ConnectionDeps {
  clock: Clock;
  log: Log;
  /** Read anew for each session. Throws an AppError when there is none. */
  address: () => RedisAddress;
  /** From 0 to below 1. */
  random: () => number;
  onMessage: (channel: string, message: Buffer) => void;
  /** Prepares a session; one that fails here is given up. */
  prepare: (session: RedisSession) => Promise<void>;
  /** The session is in use from now on. */
  onUp: () => void;
}

/** The session that stands now, if one does. */
export interface RedisConnection {
  readonly session: RedisSession | undefined;
  /** For people. */
  readonly detail: string;
  /** How many sessions that stood were lost. */
  readonly lost: number;
  /** Resolves when the first try has ended, well or not. */
  readonly tried: Promise<void>;
  /** Resolves after the signal. Rejects for a bug. */
  readonly ended: Promise<void>;
}

/**
 * Connects again whenever there is no session, until the signal aborts: after 0.1 s, then twice as long up to 5 s, of
 * which half is by chance, so that processes that lost a server together do not come back together.
 */
export function keepConnected(deps: ConnectionDeps, signal: AbortSignal): RedisConnection {
  const { clock, log, random } = deps;
  const tried = Promise.withResolvers<void>();
  let session: RedisSession | undefined;
  let detail = 'not connected yet';
  let lost = 0;

  const serve = async (at: RedisAddress): Promise<void> => {
    using opened = await openSession({ ...deps, address: at }, signal);
    const stop = (): void => opened[Symbol.dispose]();
    signal.addEventListener('abort', stop, { once: true });
    try {
      await deps.prepare(opened);
      // Nothing may come between: who listens from here on sees the session.
      session = opened;
      detail = `connected to ${at.name}`;
      log.info({ redis: at.name }, 'control bus connected');
      tried.resolve();
      deps.onUp();
      const error = await opened.lost;
      if (error !== undefined) {
        lost += 1;
        throw error;
      }
    } finally {
      session = undefined;
      signal.removeEventListener('abort', stop);
    }
  };

  const keep = async (): Promise<void> => {
    let failures = 0;
    while (!signal.aborted) {
      const startedAt = clock.now().getTime();
      const failure = await tryToServe(deps.address, serve);
      if (failure === undefined || signal.aborted) {
        continue;
      }
      const stood = clock.now().getTime() - startedAt > STOOD_MS;
      failures = stood ? 0 : failures + 1;
      const waitMs = waitFor(failures, random());
      const level = detail === failure.message ? 'debug' : 'warn';
      log[level]({ err: failure, waitMs }, 'no control bus: orders are found by polling');
      detail = failure.message;
      tried.resolve();
      await clock.sleep(waitMs, signal);
    }
    detail = 'closed';
    tried.resolve();
  };
  const ended = keep();

  return {
    get session() {
      return session;
    },
    get detail() {
      return detail;
    },
    get lost() {
      return lost;
    },
    tried: Promise.race([tried.promise, ended]),
    ended,
  };
}

async function tryToServe(
  address: () => RedisAddress,
  serve: (at: RedisAddress) => Promise<void>,
): Promise<AppError | undefined> {
  let at: RedisAddress;
  try {
    at = address();
  } catch (error) {
    if (error instanceof AppError) {
      return error;
    }
    throw error;
  }
  try {
    await serve(at);
    return undefined;
  } catch (error) {
    return redisFailure(at, error);
  }
}

function waitFor(failures: number, chance: number): number {
  const longest = Math.min(FIRST_WAIT_MS * 2 ** failures, LONGEST_WAIT_MS);
  return Math.round(longest * (0.5 + chance / 2));
}
