import { createHash } from 'node:crypto';

import { projectOf } from '../access.ts';
import { commitEntity } from '../entities/commit.ts';
import { diffFiles } from '../git/diff.ts';
import {
  branchHead,
  findFile,
  lastCommitOf,
  listCommits,
  listTree,
  mergeBase,
  readBlob,
  readCommit,
  resolve,
} from '../git/read.ts';
import { page } from '../paging.ts';
import { notFound } from '../problem.ts';
import type { Project } from '../records.ts';
import { part, type Call, type Reply, type Route } from '../route.ts';
import { gitOf } from '../world.ts';

/** A branch, a tag or a commit; GitLab wants the sha whole or at least unambiguous. */
async function commitOf(call: Call, project: Project, ref: string): Promise<string> {
  const git = gitOf(call.world, project);
  const name = ref === 'HEAD' ? project.defaultBranch : ref;
  const found = (await branchHead(git, name)) ?? (await resolve(git, name));
  if (found === undefined) {
    throw notFound('Commit');
  }
  return found;
}

async function fileOf(call: Call) {
  const { world, params } = call;
  const project = projectOf(call, projectOf(call).visibility === 'private' ? 20 : 0);
  const git = gitOf(world, project);
  const path = part(call, 'file_path');
  const ref = params.text('ref') ?? 'HEAD';
  const commit = await commitOf(call, project, ref);
  const entry = await findFile(git, commit, path);
  if (entry === undefined) {
    throw notFound('File');
  }
  const content = await readBlob(git, entry.id);
  const facts = {
    blob_id: entry.id,
    commit_id: commit,
    content_sha256: createHash('sha256').update(content).digest('hex'),
    encoding: 'base64',
    execute_filemode: entry.mode === '100755',
    file_name: path.slice(path.lastIndexOf('/') + 1),
    file_path: path,
    last_commit_id: await lastCommitOf(git, commit, path),
    ref,
    size: content.length,
  };
  const headers = Object.fromEntries(
    Object.entries(facts).map(([name, value]) => [
      `x-gitlab-${name.replaceAll('_', '-')}`,
      // A header holds no text of another alphabet.
      encodeURI(String(value)),
    ]),
  );
  // GitLab marks these as not to be cached: there is no ETag to ask with.
  return { content, facts, headers: { ...headers, 'cache-control': 'no-store, no-cache' } };
}

async function compare(call: Call): Promise<Reply> {
  const { world, params } = call;
  const project = projectOf(call, 20);
  const git = gitOf(world, project);
  const from = await commitOf(call, project, params.requiredText('from'));
  const to = await commitOf(call, project, params.requiredText('to'));
  const straight = params.flag('straight') ?? false;
  const base = straight ? from : ((await mergeBase(git, from, to)) ?? from);
  const commits = (await listCommits(git, [`${base}..${to}`])).toReversed();
  const rendered = commits.map((commit) => commitEntity(world, project, commit));
  return {
    body: {
      commit: rendered.at(-1) ?? null,
      commits: rendered,
      diffs: await diffFiles(git, base, to),
      compare_timeout: false,
      compare_same_ref: from === to,
      web_url: `${world.url}/${project.path}/-/compare/${from}...${to}`,
    },
  };
}

/** Reading what is in a repository. */
export const repositoryRoutes: readonly Route[] = [
  {
    method: 'GET',
    path: '/projects/{id}/repository/files/{file_path}/raw',
    scope: 'read_repository',
    async handle(call) {
      const { content, headers } = await fileOf(call);
      return { body: content, headers };
    },
  },
  {
    method: 'GET',
    path: '/projects/{id}/repository/files/{file_path}',
    parameters: ['ref'],
    scope: 'read_repository',
    async handle(call) {
      const { content, facts, headers } = await fileOf(call);
      return { body: { ...facts, content: content.toString('base64') }, headers };
    },
  },
  {
    method: 'HEAD',
    path: '/projects/{id}/repository/files/{file_path}',
    scope: 'read_repository',
    async handle(call) {
      return { headers: (await fileOf(call)).headers };
    },
  },
  { method: 'GET', path: '/projects/{id}/repository/compare', handle: compare },
  {
    method: 'GET',
    path: '/projects/{id}/repository/tree',
    async handle(call) {
      const { world, params } = call;
      const project = projectOf(call, 20);
      const commit = await commitOf(call, project, params.text('ref') ?? 'HEAD');
      const path = params.text('path') ?? '';
      const entries = await listTree(gitOf(world, project), commit, {
        path,
        recursive: params.flag('recursive') ?? false,
      });
      if (path !== '' && entries.length === 0) {
        throw notFound('Tree');
      }
      return page(
        call,
        entries,
        (entry) => ({
          id: entry.id,
          name: entry.path.slice(entry.path.lastIndexOf('/') + 1),
          type: entry.type,
          path: entry.path,
          mode: entry.mode,
        }),
        { keyset: (entry) => entry.path },
      );
    },
  },
  {
    method: 'GET',
    path: '/projects/{id}/repository/commits',
    parameters: [
      'ref_name',
      'since',
      'until',
      'path',
      'author',
      'all',
      'page',
      'per_page',
      'order',
    ],
    async handle(call) {
      const { world, params } = call;
      const project = projectOf(call, 20);
      const head = await commitOf(call, project, params.text('ref_name') ?? 'HEAD');
      const commits = await listCommits(gitOf(world, project), [head]);
      return page(call, commits, (commit) => commitEntity(world, project, commit));
    },
  },
  {
    method: 'GET',
    path: '/projects/{id}/repository/commits/{sha}/diff',
    parameters: ['unidiff', 'page', 'per_page'],
    async handle(call) {
      const project = projectOf(call, 20);
      const git = gitOf(call.world, project);
      const commit = await readCommit(git, await commitOf(call, project, part(call, 'sha')));
      const parent =
        commit?.parents[0] ?? (await git.text(['hash-object', '-t', 'tree', '/dev/null']));
      return page(call, commit ? await diffFiles(git, parent, commit.id) : [], (file) => file);
    },
  },
];

export { commitOf };
