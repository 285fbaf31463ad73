import { projectOf } from '../access.ts';
import { statusEntity } from '../entities/pipeline.ts';
import { tellPipeline } from '../events/pipeline-event.ts';
import { listRefs, readCommit } from '../git/read.ts';
import { page } from '../paging.ts';
import type { CiStatus, Job, Pipeline } from '../pipeline-records.ts';
import { latestJobs, pipelinesOf } from '../pipelines.ts';
import { ApiProblem, invalidRecord, notFound } from '../problem.ts';
import type { Project } from '../records.ts';
import { part, type Call, type Reply, type Route } from '../route.ts';
import { applyStatus, changed, newJob } from '../run-pipeline.ts';
import { gitOf } from '../world.ts';

const STATES = ['pending', 'running', 'success', 'failed', 'canceled', 'skipped'] as const;
const EVENTS = {
  pending: 'enqueue',
  running: 'run',
  success: 'success',
  failed: 'drop',
  canceled: 'cancel',
  skipped: 'skip',
} as const;

/** Which state may follow which; the rest is refused with 400, as GitLab's state machine does. */
const MAY_FOLLOW: Record<(typeof STATES)[number], readonly CiStatus[]> = {
  pending: ['created', 'skipped', 'manual'],
  running: ['pending', 'created'],
  // From `pending` some versions refuse both; whoever depends on it learns it here.
  success: ['created', 'running'],
  failed: ['created', 'running'],
  canceled: ['created', 'pending', 'running', 'manual'],
  skipped: ['created', 'pending'],
};

async function setStatus(call: Call): Promise<Reply> {
  const { world, user, params } = call;
  const project = projectOf(call, 30);
  const commit = await readCommit(gitOf(world, project), part(call, 'sha'));
  if (commit === undefined) {
    throw notFound('Commit');
  }
  const state = params.oneOf('state', STATES);
  if (state === undefined) {
    throw new ApiProblem(400, { error: 'state is missing' });
  }
  const name = params.text('name') ?? params.text('context') ?? 'default';
  const ref = params.text('ref') ?? (await branchOf(call, project, commit.id));
  const pipeline = pipelineFor(call, project, { sha: commit.id, ref });
  // Only one that is still under way goes on; a status that is over is set again as a new one, as a retried job would.
  const had = latestJobs(pipeline.jobs).find(
    (job) =>
      job.name === name && job.kind === 'external' && ['pending', 'running'].includes(job.status),
  );
  const job =
    had ??
    newJob(world, {
      name,
      stage: 'external',
      status: 'created',
      ref: pipeline.ref,
      user,
      kind: 'external',
    });
  if (!MAY_FOLLOW[state].includes(job.status)) {
    throw invalidRecord(
      400,
      `Cannot transition status via :${EVENTS[state]} from :${job.status} (Reason(s): Status cannot transition via "${EVENTS[state]}")`,
    );
  }
  if (job !== had) {
    pipeline.jobs.push(job);
  }
  applyStatus(job, state, world.clock.now());
  job.targetUrl = params.text('target_url') ?? job.targetUrl;
  job.description = params.text('description') ?? job.description;
  changed(world, pipeline);
  return { status: 201, body: statusEntity(world, pipeline, job) };
}

/** The pipeline asked for, else the newest of the commit, else a new one of the kind `external`. */
function pipelineFor(
  { world, user, params }: Call,
  project: Project,
  { sha, ref }: { sha: string; ref: string },
): Pipeline {
  const wanted = params.integer('pipeline_id');
  const ofCommit = pipelinesOf(world, project).filter((one) => one.sha === sha);
  if (wanted !== undefined) {
    const found = ofCommit.find(({ id }) => id === wanted);
    if (found === undefined) {
      throw notFound('Pipeline');
    }
    return found;
  }
  const newest = ofCommit.find((one) => one.ref === ref);
  if (newest) {
    return newest;
  }
  const now = world.clock.now();
  const pipeline: Pipeline = {
    id: world.state.nextId('pipeline'),
    iid: world.state.nextId('pipeline iid', project.id),
    project,
    sha,
    ref,
    source: 'external',
    user,
    createdAt: now,
    updatedAt: now,
    jobs: [],
  };
  world.state.pipelines.push(pipeline);
  tellPipeline(world, pipeline);
  return pipeline;
}

/** Without `ref` GitLab takes a branch that has the commit. */
async function branchOf({ world }: Call, project: Project, sha: string): Promise<string> {
  const refs = await listRefs(gitOf(world, project));
  const [ref] =
    [...refs].find(([name, head]) => head === sha && name.startsWith('refs/heads/')) ?? [];
  return ref?.slice('refs/heads/'.length) ?? project.defaultBranch;
}

/** What others say of a commit. */
export const statusRoutes: readonly Route[] = [
  { method: 'POST', path: '/projects/{id}/statuses/{sha}', handle: setStatus },
  {
    method: 'GET',
    path: '/projects/{id}/repository/commits/{sha}/statuses',
    handle(call) {
      const { world, params } = call;
      const project = projectOf(call, 20);
      const sha = part(call, 'sha');
      const [name, ref] = [params.text('name'), params.text('ref')];
      const pipelineId = params.integer('pipeline_id');
      const rows = pipelinesOf(world, project)
        .filter((one) => one.sha === sha && (pipelineId === undefined || one.id === pipelineId))
        .flatMap((pipeline) =>
          (params.flag('all') ? pipeline.jobs : latestJobs(pipeline.jobs)).map(
            (job): { pipeline: Pipeline; job: Job } => ({ pipeline, job }),
          ),
        )
        .filter(
          ({ job }) =>
            (name === undefined || job.name === name) && (ref === undefined || job.ref === ref),
        );
      return page(call, rows, ({ pipeline, job }) => statusEntity(world, pipeline, job));
    },
  },
];
