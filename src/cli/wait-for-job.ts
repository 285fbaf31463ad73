import type { Job } from '../db/views/job-list.ts';
import type { Clock } from '../kernel/clock.ts';
import { AppError } from '../kernel/errors.ts';
import type { ApiClient } from './api-client.ts';

const POLL_MS = 500;

interface WaitOptions {
  clock: Clock;
  signal: AbortSignal;
  timeoutMs: number;
}

/**
 * Waits until nothing happens to the job without people: it is final, or waits for a vote or an answer.
 *
 * @throws {AppError} TIMEOUT
 */
export async function waitForJob(api: ApiClient, id: string, options: WaitOptions): Promise<Job> {
  return waitUntil(() => api.get<Job>(`/jobs/${id}`), isWithPeople, { ...options, what: id });
}

/** Whether nothing happens to it any more unless a person does something. */
export function isWithPeople({
  state,
  wait_reason: reason,
}: Pick<Job, 'state' | 'wait_reason'>): boolean {
  return (
    !['queued', 'running', 'publishing', 'waiting'].includes(state) ||
    (state === 'waiting' && (reason === 'gate' || reason === 'question'))
  );
}

/**
 * Reads until `isDone` says so.
 *
 * @throws {AppError} TIMEOUT
 */
export async function waitUntil<T>(
  read: () => Promise<T>,
  isDone: (value: T) => boolean,
  { clock, signal, timeoutMs, what }: WaitOptions & { what: string },
): Promise<T> {
  const deadline = clock.now().getTime() + timeoutMs;
  for (;;) {
    const value = await read();
    if (isDone(value)) {
      return value;
    }
    if (clock.now().getTime() >= deadline) {
      throw new AppError('TIMEOUT', `${what} is not done after ${timeoutMs / 1000} s`, {
        remedy: 'it goes on; `--timeout` waits longer',
      });
    }
    await clock.sleep(POLL_MS, signal);
    signal.throwIfAborted();
  }
}
