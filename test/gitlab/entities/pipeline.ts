import type { Job, Pipeline } from '../pipeline-records.ts';
import { pipelineStatus } from '../pipelines.ts';
import type { World } from '../world.ts';
import { userEntity } from './user.ts';

export function pipelineEntity({ url }: World, pipeline: Pipeline) {
  return {
    id: pipeline.id,
    iid: pipeline.iid,
    project_id: pipeline.project.id,
    sha: pipeline.sha,
    ref: pipeline.ref,
    status: pipelineStatus(pipeline),
    source: pipeline.source,
    created_at: pipeline.createdAt.toISOString(),
    updated_at: pipeline.updatedAt.toISOString(),
    web_url: `${url}/${pipeline.project.path}/-/pipelines/${pipeline.id}`,
  };
}

export function jobEntity(world: World, pipeline: Pipeline, job: Job) {
  return {
    id: job.id,
    status: job.status,
    stage: job.stage,
    name: job.name,
    ref: job.ref,
    tag: false,
    coverage: null,
    allow_failure: job.allowFailure,
    created_at: job.createdAt.toISOString(),
    started_at: job.startedAt?.toISOString() ?? null,
    finished_at: job.finishedAt?.toISOString() ?? null,
    erased_at: null,
    duration: null,
    queued_duration: null,
    user: userEntity(world, job.user),
    commit: null,
    pipeline: pipelineEntity(world, pipeline),
    failure_reason: job.status === 'failed' ? 'script_failure' : null,
    web_url: `${world.url}/${pipeline.project.path}/-/jobs/${job.id}`,
    artifacts: [],
    runner: null,
    artifacts_expire_at: null,
    archived: false,
    tag_list: [],
  };
}

export function statusEntity(world: World, pipeline: Pipeline, job: Job) {
  return {
    id: job.id,
    sha: pipeline.sha,
    ref: job.ref,
    status: job.status,
    name: job.name,
    target_url: job.targetUrl ?? null,
    description: job.description ?? null,
    created_at: job.createdAt.toISOString(),
    started_at: job.startedAt?.toISOString() ?? null,
    finished_at: job.finishedAt?.toISOString() ?? null,
    allow_failure: job.allowFailure,
    coverage: null,
    pipeline_id: pipeline.id,
    author: userEntity(world, job.user),
  };
}
