import type { Job } from '../../src/db/views/job-list.ts';
import type { Repo } from '../../src/db/views/repo-list.ts';
import type { Instance } from './instance.ts';
import { until } from './until.ts';

/** Waits until the newest autodev.yaml of a repository was read and is in force, or `commit` of it. */
export function untilInForce(
  { api }: Instance,
  repo: string,
  commit?: string,
  options?: { withinMs?: number },
): Promise<Repo> {
  return until(
    `${repo} is in force`,
    () => api<Repo>(`/repos/${repo}`),
    ({ revision }) => revision !== null && (commit === undefined || revision.commit === commit),
    options,
  );
}

/** Every job that fits, oldest first. */
export async function listJobs(
  { api }: Instance,
  filter: Readonly<Record<string, string>> = {},
): Promise<Job[]> {
  const query = new URLSearchParams({ limit: '200', ...filter });
  const { jobs } = await api<{ jobs: Job[] }>(`/jobs?${query.toString()}`);
  return jobs.toReversed();
}

/** `autodev run REPO builder TASK`, or another agent; answers the new job. */
export async function runJob(
  { cli }: Instance,
  repo: string,
  task: string,
  agent = 'builder',
): Promise<Job> {
  const { code, stdout, stderr } = await cli('run', repo, agent, task, '-o', 'json');
  if (code !== 0) {
    throw new Error(`autodev run ended with ${code}: ${stderr}`);
  }
  const job: Job = JSON.parse(stdout);
  return job;
}

const FINAL = new Set<string>(['succeeded', 'failed', 'cancelled', 'rejected']);

/** Waits until the job is in one of `states`; one that ended otherwise fails with its reason and the log. */
export async function untilJob(
  instance: Instance,
  id: string,
  states: readonly string[],
  options?: { withinMs?: number },
): Promise<Job> {
  const job = await until(
    `${id} is ${states.join(' or ')}`,
    () => instance.api<Job>(`/jobs/${id}`),
    ({ state }) => states.includes(state) || FINAL.has(state),
    options,
  );
  if (!states.includes(job.state)) {
    throw new Error(
      `${id} is ${job.state} (${job.reason}: ${job.detail}), not ${states.join(' or ')}`,
    );
  }
  return job;
}

/** The first job that fits, once there is one. */
export async function untilSomeJob(
  instance: Instance,
  filter: Readonly<Record<string, string>>,
): Promise<Job> {
  const jobs = await until(
    `a job of ${new URLSearchParams(filter).toString()}`,
    () => listJobs(instance, filter),
    (found) => found.length > 0,
  );
  const [job] = jobs;
  if (job === undefined) {
    throw new Error('there is none');
  }
  return job;
}
