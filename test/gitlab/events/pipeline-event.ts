import { readCommit } from '../git/read.ts';
import type { Job, Pipeline } from '../pipeline-records.ts';
import { pipelineStatus } from '../pipelines.ts';
import type { MergeRequest } from '../records.ts';
import { gitOf, type World } from '../world.ts';
import {
  commitSection,
  hookTime,
  hookTimeOrNull,
  projectSection,
  repositorySection,
  userSection,
} from './sections.ts';

/** Pipeline Hook, for every change of its state. */
export function tellPipeline(world: World, pipeline: Pipeline): void {
  const { project } = pipeline;
  const status = pipelineStatus(pipeline);
  const done = ['success', 'failed', 'canceled', 'skipped'].includes(status);
  const about = world.state.mergeRequests.find(
    (one) => one.state === 'opened' && one.versions.at(-1)?.head === pipeline.sha,
  );
  const body = structuredClone({
    object_kind: 'pipeline',
    object_attributes: {
      id: pipeline.id,
      iid: pipeline.iid,
      name: null,
      ref: pipeline.ref,
      tag: false,
      sha: pipeline.sha,
      before_sha: '0'.repeat(40),
      source: pipeline.source,
      status,
      detailed_status: status === 'success' ? 'passed' : status,
      stages: [...new Set(pipeline.jobs.map(({ stage }) => stage))],
      created_at: hookTime(pipeline.createdAt),
      finished_at: done ? hookTime(pipeline.updatedAt) : null,
      duration: done ? seconds(pipeline.createdAt, pipeline.updatedAt) : null,
      queued_duration: null,
      protected_ref: project.protectedBranches.some(({ name }) => name === pipeline.ref),
      variables: [],
      url: `${world.url}/${project.path}/-/pipelines/${pipeline.id}`,
    },
    merge_request: about ? mergeRequestSection(world, about) : null,
    user: userSection(pipeline.user),
    project: projectSection(world, project),
    builds: pipeline.jobs.filter(({ kind }) => kind === 'build').map(jobSection),
  });
  world.webhooks.later(async () => {
    const commit = await readCommit(gitOf(world, project), pipeline.sha);
    const payload = { ...body, commit: commit ? commitSection(world, project, commit) : null };
    world.webhooks.fire({ project }, { flag: 'pipeline_events', name: 'Pipeline Hook', payload });
  });
}

/** Job Hook; the kind is `build`, and `commit.id` is the pipeline's. */
export function tellJob(world: World, pipeline: Pipeline, job: Job): void {
  const { project } = pipeline;
  const payload = structuredClone({
    object_kind: 'build',
    ref: job.ref,
    tag: false,
    before_sha: '0'.repeat(40),
    sha: pipeline.sha,
    build_id: job.id,
    build_name: job.name,
    build_stage: job.stage,
    build_status: job.status,
    build_created_at: job.createdAt.toISOString(),
    build_started_at: job.startedAt?.toISOString() ?? null,
    build_finished_at: job.finishedAt?.toISOString() ?? null,
    build_duration: null,
    build_queued_duration: null,
    build_allow_failure: job.allowFailure,
    build_failure_reason: job.status === 'failed' ? 'script_failure' : 'unknown_failure',
    retries_count: 0,
    pipeline_id: pipeline.id,
    project_id: project.id,
    project_name: `${project.group.name} / ${project.name}`,
    user: userSection(job.user),
    commit: { id: pipeline.id, name: null, sha: pipeline.sha, status: pipelineStatus(pipeline) },
    repository: repositorySection(world, project),
    project: projectSection(world, project),
    runner: null,
    environment: null,
  });
  world.webhooks.later(async () => {
    world.webhooks.fire({ project }, { flag: 'job_events', name: 'Job Hook', payload });
  });
}

function jobSection(job: Job) {
  return {
    id: job.id,
    stage: job.stage,
    name: job.name,
    status: job.status,
    created_at: hookTime(job.createdAt),
    started_at: hookTimeOrNull(job.startedAt),
    finished_at: hookTimeOrNull(job.finishedAt),
    duration: null,
    queued_duration: null,
    failure_reason: job.status === 'failed' ? 'script_failure' : null,
    when: 'on_success',
    manual: false,
    allow_failure: job.allowFailure,
    user: userSection(job.user),
    runner: null,
    artifacts_file: { filename: null, size: null },
    environment: null,
  };
}

function mergeRequestSection({ url }: World, mergeRequest: MergeRequest) {
  const { project } = mergeRequest;
  return {
    id: mergeRequest.id,
    iid: mergeRequest.iid,
    title: mergeRequest.title,
    source_branch: mergeRequest.sourceBranch,
    source_project_id: mergeRequest.sourceProject.id,
    target_branch: mergeRequest.targetBranch,
    target_project_id: project.id,
    state: mergeRequest.state,
    merge_status: 'can_be_merged',
    detailed_merge_status: 'checking',
    url: `${url}/${project.path}/-/merge_requests/${mergeRequest.iid}`,
  };
}

function seconds(from: Date, to: Date): number {
  return Math.round((to.getTime() - from.getTime()) / 1000);
}
