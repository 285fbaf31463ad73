import { projectOf } from '../access.ts';
import { jobEntity, pipelineEntity } from '../entities/pipeline.ts';
import { userEntity } from '../entities/user.ts';
import { page } from '../paging.ts';
import type { Job, Pipeline } from '../pipeline-records.ts';
import { latestJobs, pipelinesOf, pipelineStatus } from '../pipelines.ts';
import { notFound } from '../problem.ts';
import { part, type Call, type Route } from '../route.ts';

function pipelineOf(call: Call): Pipeline {
  const project = projectOf(call, 20);
  const id = Number(part(call, 'pipeline_id'));
  const found = pipelinesOf(call.world, project).find((one) => one.id === id);
  if (found === undefined) {
    throw notFound();
  }
  return found;
}

function jobOf(call: Call): { pipeline: Pipeline; job: Job } {
  const project = projectOf(call, 20);
  const id = Number(part(call, 'job_id'));
  for (const pipeline of pipelinesOf(call.world, project)) {
    const job = pipeline.jobs.find((one) => one.id === id && one.kind === 'build');
    if (job) {
      return { pipeline, job };
    }
  }
  throw notFound();
}

/** Pipelines, their jobs and what these printed. */
export const pipelineRoutes: readonly Route[] = [
  {
    method: 'GET',
    path: '/projects/{id}/pipelines',
    handle(call) {
      const { world, params } = call;
      const [ref, sha, source] = [params.text('ref'), params.text('sha'), params.text('source')];
      const status = params.text('status');
      const after = params.time('updated_after');
      const found = pipelinesOf(world, projectOf(call, 20)).filter(
        (one) =>
          (ref === undefined || one.ref === ref) &&
          (sha === undefined || one.sha === sha) &&
          (source === undefined || one.source === source) &&
          (status === undefined || pipelineStatus(one) === status) &&
          (after === undefined || one.updatedAt >= after),
      );
      const sorted = params.text('sort') === 'asc' ? found.toReversed() : found;
      return page(call, sorted, (one) => pipelineEntity(world, one));
    },
  },
  {
    method: 'GET',
    path: '/projects/{id}/pipelines/{pipeline_id}',
    parameters: [],
    handle(call) {
      const pipeline = pipelineOf(call);
      return {
        body: {
          ...pipelineEntity(call.world, pipeline),
          before_sha: '0'.repeat(40),
          tag: false,
          yaml_errors: null,
          user: userEntity(call.world, pipeline.user),
        },
      };
    },
  },
  {
    method: 'GET',
    path: '/projects/{id}/pipelines/{pipeline_id}/jobs',
    handle(call) {
      const pipeline = pipelineOf(call);
      const scope = call.params.list('scope');
      const all = call.params.flag('include_retried') ? pipeline.jobs : latestJobs(pipeline.jobs);
      const jobs = all.filter(
        ({ kind, status }) => kind === 'build' && (scope === undefined || scope.includes(status)),
      );
      return page(call, jobs, (job) => jobEntity(call.world, pipeline, job));
    },
  },
  {
    method: 'GET',
    path: '/projects/{id}/jobs/{job_id}',
    parameters: [],
    handle(call) {
      const { pipeline, job } = jobOf(call);
      return { body: jobEntity(call.world, pipeline, job) };
    },
  },
  {
    method: 'GET',
    path: '/projects/{id}/jobs/{job_id}/trace',
    handle: (call) => ({ body: jobOf(call).job.trace }),
  },
];
