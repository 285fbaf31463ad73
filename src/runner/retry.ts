import type { Clock } from '../kernel/clock.ts';
import { AppError } from '../kernel/errors.ts';
import type { Log } from '../kernel/log.ts';

const RETRY_MS = 1000;

interface RetryDeps {
  readonly clock: Clock;
  readonly log: Log;
}

/** For `catch`: an expected failure that may pass is logged and waited out, anything else is thrown on. */
export function retryLater(
  { clock, log }: RetryDeps,
  signal: AbortSignal,
  mayPass: (error: AppError) => boolean = ({ retryable }) => retryable,
): (error: unknown) => Promise<undefined> {
  return async (error) => {
    if (!(error instanceof AppError) || !mayPass(error)) {
      throw error;
    }
    log.warn({ err: error }, 'will be tried again');
    await clock.sleep(RETRY_MS, signal);
    return undefined;
  };
}

/** Tries until it is done. Undefined when `signal` aborted before that. */
export async function untilDone<T>(
  deps: RetryDeps,
  signal: AbortSignal,
  work: () => Promise<T>,
  mayPass?: (error: AppError) => boolean,
): Promise<T | undefined> {
  while (!signal.aborted) {
    const done = await work().then((value) => ({ value }), retryLater(deps, signal, mayPass));
    if (done !== undefined) {
      return done.value;
    }
  }
  return undefined;
}

/** The database is away or somebody was in its way: that passes, whatever else a round of work does. */
export function isDatabaseAway({ code }: AppError): boolean {
  return code === 'DATABASE_UNAVAILABLE' || code === 'BUSY';
}
