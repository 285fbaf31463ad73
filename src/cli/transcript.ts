import type { JobDetail } from '../db/views/job-detail.ts';
import type { Job } from '../db/views/job-list.ts';
import { AppError } from '../kernel/errors.ts';
import type { ApiClient } from './api-client.ts';
import type { Context } from './context.ts';
import { followEvents } from './event-stream.ts';
import { isWithPeople } from './wait-for-job.ts';

const POLL_MS = 500;

/** `attempt` undefined: all of them. */
interface Wanted {
  id: string;
  attempt: number | undefined;
}

type OnLine = (line: string, attempt: number) => void;

/** What was said so far, first attempt first. */
export async function readTranscript(
  api: ApiClient,
  { id, attempt: wanted }: Wanted,
  onLine: OnLine,
): Promise<void> {
  const { tries } = await api.get<JobDetail>(`/jobs/${id}`);
  for (const { attempt } of tries) {
    if (wanted === undefined || attempt === wanted) {
      await readAttempt(api, id, attempt, (line) => onLine(line, attempt));
    }
  }
}

/**
 * What was said, and what is said until nothing happens to the job without people: answers with the job as it is
 * then.
 */
export async function followTranscript(
  context: Pick<Context, 'clock' | 'signal'>,
  api: ApiClient,
  wanted: Wanted,
  onLine: OnLine,
): Promise<Job> {
  const { id, attempt } = wanted;
  const shown = new Map<number, number>();
  const show: OnLine = (line, of) => {
    shown.set(of, (shown.get(of) ?? 0) + 1);
    onLine(line, of);
  };
  const over = new AbortController();
  try {
    const [job] = await Promise.all([
      untilWithPeople(context, api, id, over),
      followEvents(
        context,
        api,
        { path: `/jobs/${id}/transcript`, query: { attempt }, until: over.signal },
        (line, place) => show(line, attemptOf(place)),
      ),
    ]);
    // A worker's last words are stored before its job moves on: what the stream has not brought is there by now.
    const passed = new Map<number, number>();
    await readTranscript(api, wanted, (line, of) => {
      passed.set(of, (passed.get(of) ?? 0) + 1);
      if ((passed.get(of) ?? 0) > (shown.get(of) ?? 0)) {
        onLine(line, of);
      }
    });
    return job;
  } finally {
    over.abort();
  }
}

/** A server that is away for a moment is asked again: whether it comes back is for the stream to find out. */
async function untilWithPeople(
  { clock, signal }: Pick<Context, 'clock' | 'signal'>,
  api: ApiClient,
  id: string,
  over: AbortController,
): Promise<Job> {
  const stop = AbortSignal.any([signal, over.signal]);
  for (;;) {
    try {
      const job = await api.get<Job>(`/jobs/${id}`);
      if (isWithPeople(job)) {
        over.abort();
        return job;
      }
    } catch (error) {
      if (!(error instanceof AppError) || !error.retryable) {
        throw error;
      }
    }
    await clock.sleep(POLL_MS, stop);
    stop.throwIfAborted();
  }
}

async function readAttempt(
  api: ApiClient,
  id: string,
  attempt: number,
  onLine: (line: string) => void,
): Promise<void> {
  let rest = '';
  for await (const part of api.stream(`/jobs/${id}/transcript`, {
    accept: 'application/x-ndjson',
    query: { attempt },
  })) {
    const lines = (rest + part).split('\n');
    rest = lines.pop() ?? '';
    lines.forEach(onLine);
  }
}

/** The first half of an event's id, `<attempt>.<line>`. */
function attemptOf(place: string | undefined): number {
  return Number.parseInt(place ?? '', 10) || 1;
}
