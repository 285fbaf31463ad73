import { maySee, projectOf } from '../access.ts';
import { createMergeRequest } from '../create-merge-request.ts';
import { commitEntity } from '../entities/commit.ts';
import { basicMergeRequestEntity, mergeRequestEntity } from '../entities/merge-request.ts';
import { pipelineEntity } from '../entities/pipeline.ts';
import { userEntity } from '../entities/user.ts';
import { diffFiles } from '../git/diff.ts';
import { listCommits } from '../git/read.ts';
import { latestVersion } from '../heads.ts';
import { mergeRequestOf, usersByIds } from '../noteables.ts';
import { page } from '../paging.ts';
import { pipelinesOf } from '../pipelines.ts';
import { notFound } from '../problem.ts';
import type { MergeRequest } from '../records.ts';
import { part, type Call, type Reply, type Route } from '../route.ts';
import { findProject } from '../state.ts';
import { updateMergeRequest } from '../update-merge-request.ts';
import { gitOf } from '../world.ts';

const BASE = '/projects/{id}/merge_requests';
const ONE = `${BASE}/{merge_request_iid}`;

function select({ params }: Call, all: readonly MergeRequest[]): MergeRequest[] {
  const state = params.oneOf('state', ['opened', 'closed', 'locked', 'merged', 'all']);
  const [source, target] = [params.text('source_branch'), params.text('target_branch')];
  const sourceProject = params.integer('source_project_id');
  const labels = params.list('labels');
  const author = params.text('author_username');
  const authorId = params.integer('author_id');
  const iids = params.integers('iids');
  const after = params.time('updated_after');
  const before = params.time('updated_before');
  return all.filter(
    (one) =>
      (state === undefined || state === 'all' || one.state === state) &&
      (source === undefined || one.sourceBranch === source) &&
      (target === undefined || one.targetBranch === target) &&
      (sourceProject === undefined || one.sourceProject.id === sourceProject) &&
      (labels === undefined || labels.every((label) => one.labels.includes(label))) &&
      (author === undefined || one.author.username === author) &&
      (authorId === undefined || one.author.id === authorId) &&
      (iids === undefined || iids.includes(one.iid)) &&
      (after === undefined || one.updatedAt >= after) &&
      (before === undefined || one.updatedAt <= before),
  );
}

function list(call: Call): Promise<Reply> {
  const { world, params } = call;
  const project = projectOf(call);
  const own = world.state.mergeRequests.filter((one) => one.project === project);
  const byUpdate = params.text('order_by') === 'updated_at';
  const sign = params.text('sort') === 'asc' ? 1 : -1;
  const key = (one: MergeRequest) => (byUpdate ? one.updatedAt : one.createdAt).getTime();
  const sorted = select(call, own).sort(
    (left, right) => sign * (key(left) - key(right) || left.id - right.id),
  );
  return page(call, sorted, (one) => basicMergeRequestEntity(world, one));
}

async function create(call: Call): Promise<Reply> {
  const { world, user, params } = call;
  const sourceProject = projectOf(call, 20);
  const targetId = params.text('target_project_id');
  const target = targetId === undefined ? sourceProject : findProject(world.state, targetId);
  if (target === undefined || !maySee(world, target, user)) {
    throw notFound('Project');
  }
  const mergeRequest = await createMergeRequest(world, target, {
    author: user,
    sourceProject,
    sourceBranch: params.requiredText('source_branch'),
    targetBranch: params.requiredText('target_branch'),
    title: params.requiredText('title'),
    description: params.text('description'),
    labels: params.list('labels') ?? [],
    assignees: usersByIds(
      world,
      params.integers('assignee_ids') ?? params.integers('assignee_id') ?? [],
    ),
    reviewers: usersByIds(world, params.integers('reviewer_ids') ?? []),
    squash: params.flag('squash'),
    removeSourceBranch: params.flag('remove_source_branch'),
  });
  return { status: 201, body: await mergeRequestEntity(world, mergeRequest, { user }) };
}

function versionEntity(mergeRequest: MergeRequest) {
  return (version: MergeRequest['versions'][number]) => ({
    id: version.id,
    head_commit_sha: version.head,
    base_commit_sha: version.base,
    start_commit_sha: version.start,
    created_at: version.createdAt.toISOString(),
    merge_request_id: mergeRequest.id,
    state: 'collected',
    real_size: '1',
    patch_id_sha: null,
  });
}

/** Finding, opening, reading and changing merge requests. */
export const mergeRequestRoutes: readonly Route[] = [
  { method: 'GET', path: BASE, returns: 'MergeRequest', handle: list },
  { method: 'POST', path: BASE, returns: 'MergeRequest', handle: create },
  {
    method: 'GET',
    path: ONE,
    returns: 'MergeRequest',
    handle: async (call) => ({
      body: await mergeRequestEntity(call.world, mergeRequestOf(call), {
        user: call.user,
        read: true,
      }),
    }),
  },
  {
    method: 'PUT',
    path: ONE,
    returns: 'MergeRequest',
    async handle(call) {
      const mergeRequest = mergeRequestOf(call);
      await updateMergeRequest(call, mergeRequest);
      return { body: await mergeRequestEntity(call.world, mergeRequest, call) };
    },
  },
  {
    method: 'GET',
    path: `${ONE}/versions`,
    handle(call) {
      const mergeRequest = mergeRequestOf(call);
      return page(call, mergeRequest.versions.toReversed(), versionEntity(mergeRequest));
    },
  },
  {
    method: 'GET',
    path: `${ONE}/versions/{version_id}`,
    parameters: ['unidiff'],
    async handle(call) {
      const mergeRequest = mergeRequestOf(call);
      const id = Number(part(call, 'version_id'));
      const version = mergeRequest.versions.find((one) => one.id === id);
      if (version === undefined) {
        throw notFound();
      }
      const { world } = call;
      const { project } = mergeRequest;
      const git = gitOf(world, project);
      const commits = await listCommits(git, [version.head, `^${version.base}`]);
      return {
        body: {
          ...versionEntity(mergeRequest)(version),
          commits: commits.map((commit) => commitEntity(world, project, commit)),
          diffs: await diffFiles(git, version.base, version.head),
        },
      };
    },
  },
  {
    method: 'GET',
    path: `${ONE}/commits`,
    async handle(call) {
      const mergeRequest = mergeRequestOf(call);
      const { project } = mergeRequest;
      const { base, head } = latestVersion(mergeRequest);
      const commits = await listCommits(gitOf(call.world, project), [head, `^${base}`]);
      return page(call, commits, (commit) => commitEntity(call.world, project, commit));
    },
  },
  {
    method: 'GET',
    path: `${ONE}/diffs`,
    async handle(call) {
      const mergeRequest = mergeRequestOf(call);
      const { base, head } = latestVersion(mergeRequest);
      const files = await diffFiles(gitOf(call.world, mergeRequest.project), base, head);
      return page(call, files, (file) => ({ ...file, collapsed: false, too_large: false }));
    },
  },
  {
    method: 'GET',
    path: `${ONE}/pipelines`,
    handle(call) {
      const { world } = call;
      const { project, sourceProject, versions } = mergeRequestOf(call);
      const heads = new Set(versions.map(({ head }) => head));
      const pipelines = [...new Set([project, sourceProject])]
        .flatMap((one) => pipelinesOf(world, one))
        .filter(({ sha }) => heads.has(sha));
      return page(call, pipelines, (pipeline) => pipelineEntity(world, pipeline));
    },
  },
  {
    method: 'GET',
    path: `${ONE}/reviewers`,
    parameters: [],
    handle(call) {
      const { reviewers } = mergeRequestOf(call);
      return page(call, reviewers, ({ user, state, createdAt }) => ({
        user: userEntity(call.world, user),
        state,
        created_at: createdAt.toISOString(),
      }));
    },
  },
];
