import { createHash } from 'node:crypto';

import { Type } from 'typebox';

import { AppError } from '../../kernel/errors.ts';
import { requireCommitId } from '../commit-id.ts';
import type { ForgeCommit, ForgeFile, ForgeRepo } from '../forge.ts';
import { WHOLE_LIST, type GitlabClient } from './client.ts';
import { gid, isNotFound } from './heads.ts';
import { read } from './shape.ts';

const FILE = `query ($ids: [ID!], $ref: String!, $paths: [String!]!) {
  projects(ids: $ids, first: 1) {
    nodes { repository { blobs(ref: $ref, paths: $paths) { nodes { oid path mode rawSize } } } }
  }
}`;

const Size = Type.Union([Type.Integer(), Type.String({ pattern: '^\\d+$' })]);
const Blobs = Type.Object({
  projects: Type.Object({
    nodes: Type.Array(
      Type.Object({
        repository: Type.Union([
          Type.Null(),
          Type.Object({
            blobs: Type.Object({
              nodes: Type.Array(
                Type.Object({
                  oid: Type.String({ pattern: '^[0-9a-f]{40,64}$' }),
                  path: Type.String(),
                  mode: Type.String({ pattern: '^\\d{6}$' }),
                  rawSize: Size,
                }),
              ),
            }),
          }),
        ]),
      }),
    ),
  }),
});

/** See Forge.readFile. What came is held against the blob's id: half a file, or a page, is never taken for it. */
export async function readFile(
  client: GitlabClient,
  repo: ForgeRepo,
  { commit, path, maxBytes }: { commit: string; path: string; maxBytes: number },
  signal: AbortSignal,
): Promise<ForgeFile | undefined> {
  const variables = { ids: [gid(repo.location)], ref: requireCommitId(commit), paths: [path] };
  const data = read(
    Blobs,
    await client.graphql(FILE, variables, signal),
    `${path} of ${repo.path}`,
  );
  const blob = data.projects.nodes[0]?.repository?.blobs.nodes.find((node) => node.path === path);
  if (blob === undefined) {
    // Absent only if the commit itself can be read.
    await readCommit(client, repo, commit, signal);
    return undefined;
  }
  const size = Number(blob.rawSize);
  if (size > maxBytes) {
    return { blob: blob.oid, mode: blob.mode, size, content: undefined };
  }
  const project = encodeURIComponent(repo.location);
  const { body } = await client.send(
    {
      method: 'GET',
      path: `projects/${project}/repository/files/${encodeURIComponent(path)}/raw?ref=${commit}`,
      repeatable: true,
      expects: 'bytes',
    },
    signal,
  );
  const content = Buffer.isBuffer(body) ? body : Buffer.alloc(0);
  if (blobId(content, blob.oid) !== blob.oid) {
    throw new AppError(
      'FORGE_BAD_ANSWER',
      `GitLab's answer for ${path} of ${repo.path} at ${commit} is not the file.`,
      { remedy: 'Look whether a proxy changes what GitLab answers; it is tried again by itself.' },
    );
  }
  return { blob: blob.oid, mode: blob.mode, size, content };
}

const Commit = Type.Object({
  id: Type.String(),
  author_name: Type.String(),
  author_email: Type.String(),
  committed_date: Type.String(),
  title: Type.String(),
});

export async function readCommit(
  client: GitlabClient,
  repo: ForgeRepo,
  sha: string,
  signal: AbortSignal,
): Promise<ForgeCommit> {
  const answer: unknown = await unreadableIfMissing(repo, sha, () =>
    client.api(signal).commits.show(Number(repo.location), requireCommitId(sha)),
  );
  const commit = read(Commit, answer, `the commit ${sha} of ${repo.path}`);
  return {
    sha: commit.id,
    authorName: commit.author_name,
    authorEmail: commit.author_email,
    committedAt: new Date(commit.committed_date),
    subject: commit.title,
  };
}

const Compare = Type.Object({
  diffs: Type.Array(Type.Object({ old_path: Type.String(), new_path: Type.String() })),
  compare_timeout: Type.Boolean(),
});
const Tree = Type.Array(
  Type.Object({
    id: Type.String(),
    path: Type.String(),
    type: Type.String(),
    mode: Type.String(),
  }),
);

/** GitLab leaves files out of a comparison beyond some thousand; the exact number is a setting of its own. */
const MAX_DIFFS = 1000;

/** See Forge.changedPaths. */
export async function changedPaths(
  client: GitlabClient,
  repo: ForgeRepo,
  { from, to }: { from: string | undefined; to: string },
  signal: AbortSignal,
  { maxDiffs = MAX_DIFFS }: { maxDiffs?: number } = {},
): Promise<string[]> {
  if (from === undefined) {
    return [...(await readTree(client, repo, to, signal)).keys()];
  }
  const answer: unknown = await unreadableIfMissing(repo, `${from} or ${to}`, () =>
    client
      .api(signal)
      .repositories.compare(Number(repo.location), requireCommitId(from), requireCommitId(to), {
        straight: true,
      }),
  );
  const { diffs, compare_timeout: isPartial } = read(Compare, answer, `changes in ${repo.path}`);
  if (!isPartial && diffs.length < maxDiffs) {
    return [...new Set(diffs.flatMap(({ old_path, new_path }) => [old_path, new_path]))];
  }
  const [before, after] = [
    await readTree(client, repo, from, signal),
    await readTree(client, repo, to, signal),
  ];
  const paths = new Set([...before.keys(), ...after.keys()]);
  return [...paths].filter((path) => before.get(path) !== after.get(path));
}

/** Every file of a commit with its mode and id. */
async function readTree(
  client: GitlabClient,
  repo: ForgeRepo,
  commit: string,
  signal: AbortSignal,
): Promise<Map<string, string>> {
  const answer: unknown = await unreadableIfMissing(repo, commit, () =>
    client.api(signal).repositories.allRepositoryTrees(Number(repo.location), {
      ...WHOLE_LIST,
      maxPages: 10_000,
      recursive: true,
      ref: requireCommitId(commit),
    }),
  );
  return new Map(
    read(Tree, answer, `the files of ${repo.path}`)
      .filter(({ type }) => type !== 'tree')
      .map(({ path, mode, id }) => [path, `${mode} ${id}`]),
  );
}

/** Not there is no answer to what a commit holds: it may be gone, or the whole project. */
async function unreadableIfMissing<T>(
  repo: ForgeRepo,
  what: string,
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!isNotFound(error)) {
      throw error;
    }
    throw new AppError(
      'SOURCE_UNREADABLE',
      `${repo.path} has no commit ${what} that we may read.`,
      {
        cause: error,
      },
    );
  }
}

function blobId(content: Buffer, like: string): string {
  return createHash(like.length === 64 ? 'sha256' : 'sha1')
    .update(`blob ${content.length}\0`)
    .update(content)
    .digest('hex');
}
