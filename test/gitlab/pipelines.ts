import { headOf } from './heads.ts';
import type { CiStatus, Job, Pipeline } from './pipeline-records.ts';
import type { MergeRequest, Project } from './records.ts';
import type { World } from './world.ts';

/** What a pipeline is when its jobs are what they are; as GitLab composes it. */
export function pipelineStatus({ jobs }: Pipeline): CiStatus {
  const decisive = latestJobs(jobs).filter(
    (job) => !(job.allowFailure && (job.status === 'failed' || job.status === 'canceled')),
  );
  const all = (...wanted: CiStatus[]): boolean =>
    decisive.every(({ status }) => wanted.includes(status));
  const some = (wanted: CiStatus): boolean => decisive.some(({ status }) => status === wanted);
  if (decisive.length === 0 || all('skipped')) {
    return jobs.length === 0
      ? 'created'
      : all('skipped') && decisive.length > 0
        ? 'skipped'
        : 'success';
  }
  if (all('success', 'skipped')) {
    return 'success';
  }
  if (all('created')) {
    return 'created';
  }
  if (some('running') || (some('pending') && some('success'))) {
    return 'running';
  }
  if (some('pending')) {
    return 'pending';
  }
  if (some('failed')) {
    return 'failed';
  }
  if (some('canceled')) {
    return 'canceled';
  }
  return some('manual') ? 'manual' : 'running';
}

/** A name that was tried again counts by its last try. */
export function latestJobs(jobs: readonly Job[]): Job[] {
  return [...new Map(jobs.map((job) => [job.name, job])).values()];
}

/** Newest first. */
export function pipelinesOf({ state }: World, project: Project): Pipeline[] {
  return state.pipelines
    .filter((pipeline) => pipeline.project === project)
    .sort((left, right) => right.id - left.id);
}

/** The newest pipeline of the head commit, in the source or the target project. */
export function headPipeline(world: World, mergeRequest: MergeRequest): Pipeline | undefined {
  const head = headOf(mergeRequest);
  return [mergeRequest.project, mergeRequest.sourceProject]
    .flatMap((project) => pipelinesOf(world, project))
    .filter(({ sha }) => sha === head)
    .sort((left, right) => right.id - left.id)[0];
}
