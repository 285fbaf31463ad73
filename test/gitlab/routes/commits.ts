import { projectLevel, projectOf } from '../access.ts';
import { commitEntity } from '../entities/commit.ts';
import { pipelineEntity } from '../entities/pipeline.ts';
import { branchHead, findFile, isAncestor, listRefs, readBlob, readCommit } from '../git/read.ts';
import { commitChanges, updateRef, type FileChange } from '../git/write.ts';
import { page } from '../paging.ts';
import type { Params } from '../params.ts';
import { pipelinesOf, pipelineStatus } from '../pipelines.ts';
import { forbidden, invalidRecord, notFound, ApiProblem } from '../problem.ts';
import { pushed } from '../pushed.ts';
import type { Project } from '../records.ts';
import { part, type Call, type Reply, type Route } from '../route.ts';
import { gitOf, type World } from '../world.ts';
import { commitOf } from './repository.ts';

async function branchEntity(call: Call, project: Project, name: string) {
  const { world, user } = call;
  const git = gitOf(world, project);
  const commit = await readCommit(git, `refs/heads/${name}`);
  if (commit === undefined) {
    throw notFound('Branch');
  }
  const rule = project.protectedBranches.find((branch) => branch.name === name);
  const level = projectLevel(world, project, user);
  const main = await branchHead(git, project.defaultBranch);
  return {
    name,
    commit: commitEntity(world, project, commit),
    merged:
      name !== project.defaultBranch &&
      main !== undefined &&
      (await isAncestor(git, commit.id, main)),
    protected: rule !== undefined,
    developers_can_push: rule?.pushLevel === 30,
    developers_can_merge: rule?.mergeLevel === 30,
    can_push: rule ? rule.pushLevel !== 0 && level >= rule.pushLevel : level >= 30,
    default: name === project.defaultBranch,
    web_url: `${world.url}/${project.path}/-/tree/${name}`,
  };
}

/** Changes branches as a push would: hooks, versions and votes follow. */
function asPush<T>(call: Call, project: Project, work: () => Promise<T>): Promise<T> {
  const { world, user } = call;
  return world.lock.run(project.id, async () => {
    const before = await listRefs(gitOf(world, project));
    const result = await work();
    await pushed(world, project, { before, user });
    return result;
  });
}

function requirePush(call: Call, project: Project, branch: string): void {
  const level = projectLevel(call.world, project, call.user);
  const rule = project.protectedBranches.find(({ name }) => name === branch);
  if (level < 30 || (rule && (rule.pushLevel === 0 || level < rule.pushLevel))) {
    throw new ApiProblem(403, { message: 'You are not allowed to push into this branch' });
  }
}

async function createCommit(call: Call): Promise<Reply> {
  const { world, user, params } = call;
  const project = projectOf(call, 30);
  const branch = params.requiredText('branch');
  const message = params.requiredText('commit_message');
  const actions = params.objects('actions') ?? [];
  requirePush(call, project, branch);
  const git = gitOf(world, project);
  return asPush(call, project, async () => {
    const head = await branchHead(git, branch);
    const startRef = params.text('start_sha') ?? params.text('start_branch');
    if (head !== undefined && startRef !== undefined && !params.flag('force')) {
      throw invalidRecord(
        400,
        `A branch called '${branch}' already exists. Switch to that branch in order to make changes`,
      );
    }
    const start = startRef === undefined ? head : await commitOf(call, project, startRef);
    if (start === undefined) {
      throw invalidRecord(400, 'You can only create or edit files when you are on a branch');
    }
    const changes = await Promise.all(
      actions.map((action) => fileChanges(world, project, start, action)),
    );
    const signature = { name: user.name, email: user.email, at: world.clock.now() };
    const author = {
      ...signature,
      name: params.text('author_name') ?? user.name,
      email: params.text('author_email') ?? user.email,
    };
    const commit = await commitChanges(git, {
      base: start,
      changes: changes.flat(),
      message,
      author,
      committer: signature,
    });
    if (!(await updateRef(git, `refs/heads/${branch}`, { to: commit, expected: head }))) {
      throw invalidRecord(400, 'Could not update the branch. Please refresh and try again.');
    }
    const made = await readCommit(git, commit);
    return made === undefined
      ? {}
      : { status: 201, body: { ...commitEntity(world, project, made), project_id: project.id } };
  });
}

async function fileChanges(
  world: World,
  project: Project,
  start: string,
  action: Params,
): Promise<FileChange[]> {
  const git = gitOf(world, project);
  const path = action.requiredText('file_path');
  const kind = action.oneOf('action', ['create', 'update', 'move', 'delete', 'chmod']);
  const from = kind === 'move' ? action.requiredText('previous_path') : path;
  const had = await findFile(git, start, from);
  if (kind === 'create' && had !== undefined) {
    throw invalidRecord(400, 'A file with this name already exists');
  }
  if (kind !== 'create' && had === undefined) {
    throw invalidRecord(400, "A file with this name doesn't exist");
  }
  const text = action.text('content');
  const sent =
    text === undefined
      ? undefined
      : Buffer.from(text, action.text('encoding') === 'base64' ? 'base64' : 'utf8');
  const content = sent ?? (had ? await readBlob(git, had.id) : Buffer.alloc(0));
  const executable = action.flag('execute_filemode');
  const mode = executable === undefined ? had?.mode : executable ? '100755' : '100644';
  const change = { path, content, ...(mode === undefined ? {} : { mode }) };
  if (kind === 'delete') {
    return [{ path, content: undefined }];
  }
  return kind === 'move' ? [{ path: from, content: undefined }, change] : [change];
}

/** Commits and branches. */
export const commitRoutes: readonly Route[] = [
  {
    method: 'GET',
    path: '/projects/{id}/repository/branches',
    parameters: ['search', 'regex', 'page', 'per_page'],
    async handle(call) {
      const project = projectOf(call, 20);
      const refs = [...(await listRefs(gitOf(call.world, project))).keys()]
        .filter((ref) => ref.startsWith('refs/heads/'))
        .map((ref) => ref.slice('refs/heads/'.length))
        .filter((name) => name.includes(call.params.text('search') ?? ''));
      return page(call, refs, (name) => branchEntity(call, project, name));
    },
  },
  {
    method: 'GET',
    path: '/projects/{id}/repository/branches/{branch}',
    handle: async (call) => ({
      body: await branchEntity(call, projectOf(call, 20), part(call, 'branch')),
    }),
  },
  {
    method: 'POST',
    path: '/projects/{id}/repository/branches',
    async handle(call) {
      const project = projectOf(call, 30);
      const branch = call.params.requiredText('branch');
      const to = await commitOf(call, project, call.params.requiredText('ref'));
      const git = gitOf(call.world, project);
      await asPush(call, project, async () => {
        if (!(await updateRef(git, `refs/heads/${branch}`, { to, expected: undefined }))) {
          throw invalidRecord(400, 'Branch already exists');
        }
      });
      return { status: 201, body: await branchEntity(call, project, branch) };
    },
  },
  {
    method: 'DELETE',
    path: '/projects/{id}/repository/branches/{branch}',
    parameters: [],
    async handle(call) {
      const project = projectOf(call, 30);
      const branch = part(call, 'branch');
      const git = gitOf(call.world, project);
      if (project.protectedBranches.some(({ name }) => name === branch)) {
        throw forbidden();
      }
      await asPush(call, project, async () => {
        const expected = await branchHead(git, branch);
        if (expected === undefined) {
          throw notFound('Branch');
        }
        await updateRef(git, `refs/heads/${branch}`, { to: undefined, expected });
      });
      return { status: 204 };
    },
  },
  {
    method: 'GET',
    path: '/projects/{id}/repository/commits/{sha}',
    async handle(call) {
      const { world } = call;
      const project = projectOf(call, 20);
      const commit = await readCommit(
        gitOf(world, project),
        await commitOf(call, project, part(call, 'sha')),
      );
      if (commit === undefined) {
        throw notFound('Commit');
      }
      const pipeline = pipelinesOf(world, project).find(({ sha }) => sha === commit.id);
      return {
        body: {
          ...commitEntity(world, project, commit),
          status: pipeline ? pipelineStatus(pipeline) : null,
          project_id: project.id,
          last_pipeline: pipeline ? pipelineEntity(world, pipeline) : null,
        },
      };
    },
  },
  { method: 'POST', path: '/projects/{id}/repository/commits', handle: createCommit },
];
