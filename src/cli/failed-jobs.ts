import type { Job } from '../db/views/job-list.ts';
import type { ApiClient } from './api-client.ts';
import type { Output } from './output.ts';
import { oneLine } from './output.ts';

const RECENT_MS = 24 * 3_600_000;
const SHOWN = 5;

/** Jobs that failed within the last 24 h, newest first; of the newest 200 that failed. */
export async function listFailedJobs(
  api: ApiClient,
  { repo, now }: { repo?: string | undefined; now: Date },
): Promise<Job[]> {
  const { jobs } = await api.get<{ jobs: Job[] }>('/jobs', { repo, state: 'failed', limit: 200 });
  const since = now.getTime() - RECENT_MS;
  return jobs.filter(({ ended_at: at }) => at !== null && Date.parse(at) >= since);
}

/** A line each with what went wrong, and below it the command that shows it; empty where none failed. */
export function failedLines({ paint }: Output, jobs: readonly Job[]): string[] {
  const lines = jobs.slice(0, SHOWN).flatMap(({ id, agent, detail, reason }) => {
    const why = detail ?? reason;
    return [
      `${paint('red', '✖')} ${id} ${agent} failed${why === null ? '' : `: ${oneLine(why)}`}`,
      `  autodev job ${id}`,
    ];
  });
  const more = jobs.length - SHOWN;
  return [
    ...(lines.length > 0 ? [''] : []),
    ...lines,
    ...(more > 0 ? [`and ${more} more: autodev jobs --state failed`] : []),
  ];
}
