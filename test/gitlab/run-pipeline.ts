import { tellJob, tellPipeline } from './events/pipeline-event.ts';
import type { CiStatus, Job, Pipeline } from './pipeline-records.ts';
import { unsettle } from './pushed.ts';
import type { Project, User } from './records.ts';
import type { World } from './world.ts';

export interface NewPipeline {
  readonly sha: string;
  readonly ref: string;
  readonly by: User;
  readonly source?: Pipeline['source'];
  /** By name, with what each is at first. */
  readonly jobs?: Readonly<
    Record<string, { stage?: string; status?: CiStatus; trace?: string; allowFailure?: boolean }>
  >;
}

/** What runners would do: a pipeline with jobs that a test, or a demo, brings to their end. */
export function startPipeline(
  world: World,
  project: Project,
  { sha, ref, by, source = 'push', jobs = {} }: NewPipeline,
): Pipeline {
  const now = world.clock.now();
  const pipeline: Pipeline = {
    id: world.state.nextId('pipeline'),
    iid: world.state.nextId('pipeline iid', project.id),
    project,
    sha,
    ref,
    source,
    user: by,
    createdAt: now,
    updatedAt: now,
    jobs: [],
  };
  for (const [
    name,
    { stage = 'test', status = 'created', trace = '', allowFailure = false },
  ] of Object.entries(jobs)) {
    pipeline.jobs.push({
      ...newJob(world, { name, stage, status, ref, user: by }),
      trace,
      allowFailure,
    });
  }
  world.state.pipelines.push(pipeline);
  changed(world, pipeline);
  return pipeline;
}

export function setJob(
  world: World,
  pipeline: Pipeline,
  { name, status, trace }: { name: string; status: CiStatus; trace?: string },
): void {
  const job = pipeline.jobs.findLast((one) => one.name === name);
  if (job === undefined) {
    throw new TypeError(`The pipeline has no job ${name}.`);
  }
  applyStatus(job, status, world.clock.now());
  job.trace = trace ?? job.trace;
  tellJob(world, pipeline, job);
  changed(world, pipeline);
}

export function newJob(
  world: World,
  {
    name,
    stage,
    status,
    ref,
    user,
    kind = 'build',
  }: { name: string; stage: string; status: CiStatus; ref: string; user: User; kind?: Job['kind'] },
): Job {
  const now = world.clock.now();
  const job: Job = {
    id: world.state.nextId('job'),
    name,
    stage,
    kind,
    status: 'created',
    ref,
    user,
    allowFailure: false,
    targetUrl: undefined,
    description: undefined,
    createdAt: now,
    startedAt: undefined,
    finishedAt: undefined,
    trace: '',
  };
  applyStatus(job, status, now);
  return job;
}

export function applyStatus(job: Job, status: CiStatus, now: Date): void {
  job.status = status;
  if (status === 'running') {
    job.startedAt ??= now;
  }
  if (status === 'success' || status === 'failed' || status === 'canceled') {
    job.startedAt ??= now;
    job.finishedAt = now;
  }
}

/** The pipeline says so to its hooks, and merge requests of its commit look again whether they may be merged. */
export function changed(world: World, pipeline: Pipeline): void {
  pipeline.updatedAt = world.clock.now();
  tellPipeline(world, pipeline);
  for (const mergeRequest of world.state.mergeRequests) {
    if (mergeRequest.state === 'opened' && mergeRequest.versions.at(-1)?.head === pipeline.sha) {
      unsettle(world, mergeRequest);
    }
  }
}
