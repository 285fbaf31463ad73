import type { Clock } from './clock.ts';
import { AppError } from './errors.ts';
import type { Log } from './log.ts';

/** A long-running part of a process. Resolves after `signal` aborts; rejecting brings the process down. */
export type Service = (signal: AbortSignal) => Promise<void>;

interface EveryDeps {
  clock: Clock;
  log: Log;
}

/**
 * Runs `work` now and then every `intervalMs`. A round that fails with an expected error is logged and the
 * next one tries again, after a wait that doubles up to `maxBackoffMs`; anything else is a bug and rejects.
 */
export function every(
  { clock, log }: EveryDeps,
  { intervalMs, maxBackoffMs = 60_000 }: { intervalMs: number; maxBackoffMs?: number },
  work: Service,
): Service {
  return async (signal) => {
    let waitMs = intervalMs;
    while (!signal.aborted) {
      try {
        await work(signal);
        waitMs = intervalMs;
      } catch (error) {
        if (!(error instanceof AppError) || !error.retryable) {
          throw error;
        }
        waitMs = Math.min(waitMs * 2, maxBackoffMs);
        log.warn({ err: error, waitMs }, 'round failed');
      }
      await clock.sleep(waitMs, signal);
    }
  };
}

/**
 * Starts a service again when it fails for a reason that may pass (the database restarts, a forge is away), after
 * a wait that doubles up to a minute and begins anew once the service has run for as long. A bug still rejects.
 */
export function keepRunning({ clock, log }: EveryDeps, name: string, service: Service): Service {
  return async (signal) => {
    let waitMs = 250;
    while (!signal.aborted) {
      const startedAt = clock.now().getTime();
      try {
        await service(signal);
      } catch (error) {
        if (signal.aborted) {
          return;
        }
        if (!(error instanceof AppError) || !error.retryable) {
          throw error;
        }
        const ranLong = clock.now().getTime() - startedAt > 60_000;
        waitMs = ranLong ? 250 : Math.min(waitMs * 2, 60_000);
        log.warn({ err: error, service: name, waitMs }, 'service failed and starts again');
        await clock.sleep(waitMs, signal);
      }
    }
  };
}

/** Runs services side by side. If one fails the others are stopped, and the failure is rethrown. */
export async function runTogether(
  services: readonly Service[],
  signal: AbortSignal,
): Promise<void> {
  const failed = new AbortController();
  const stop = AbortSignal.any([signal, failed.signal]);

  const results = await Promise.allSettled(
    services.map(async (service) => {
      try {
        await service(stop);
      } catch (error) {
        failed.abort(error);
        throw error;
      }
    }),
  );

  const failure = results.find((result) => result.status === 'rejected');
  if (failure) {
    throw failure.reason;
  }
}

/** Resolves once `signal` aborts; at once if it already has. */
export function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) {
    return Promise.resolve();
  }
  return new Promise((resolve) => {
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
