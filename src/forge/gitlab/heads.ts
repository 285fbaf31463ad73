import { Type } from 'typebox';

import { AppError } from '../../kernel/errors.ts';
import type { ForgeRepo } from '../forge.ts';
import type { GitlabClient } from './client.ts';
import { isTooComplex, lacksField } from './graphql.ts';
import type { Projects } from './projects.ts';
import { read } from './shape.ts';

/** What so many projects with one field of the repository each cost is what GitLab allows in one query. */
const FIRST_BATCH = 30;

const QUERY = `query ($ids: [ID!], $ref: String!, $first: Int!) {
  projects(ids: $ids, first: $first) {
    nodes { id repository { rootRef commit(ref: $ref) { sha } } }
  }
}`;

const Nodes = Type.Object({
  projects: Type.Object({
    nodes: Type.Array(
      Type.Object({
        id: Type.String(),
        repository: Type.Union([
          Type.Null(),
          Type.Object({
            rootRef: Type.Union([Type.Null(), Type.String()]),
            commit: Type.Union([Type.Null(), Type.Object({ sha: Type.String() })]),
          }),
        ]),
      }),
    ),
  }),
});

const Branch = Type.Object({ commit: Type.Object({ id: Type.String() }) });

type Head = string | Error;

/** Asks for heads in batches, which become smaller when GitLab finds them too dear and stay so. */
export function createHeadQuery({
  client,
  projects,
}: {
  client: Pick<GitlabClient, 'api' | 'graphql'>;
  projects: Projects;
}): (repos: readonly ForgeRepo[], signal: AbortSignal) => Promise<Map<number, Head>> {
  let batchSize = FIRST_BATCH;
  // Before 2025 repositories had no such field; then each is asked for by itself.
  let hasField = true;

  const one = async (repo: ForgeRepo, signal: AbortSignal): Promise<Head> => {
    try {
      const { branch, location } = repo;
      const answer: unknown = await client.api(signal).branches.show(Number(location), branch);
      return read(Branch, answer, `the branch ${branch} of ${repo.path}`).commit.id;
    } catch (error) {
      const failure = asError(error);
      return isNotFound(failure) ? whyMissing(projects, repo, signal) : failure;
    }
  };

  const batch = async (
    repos: readonly ForgeRepo[],
    signal: AbortSignal,
  ): Promise<Map<number, Head>> => {
    const [{ branch } = { branch: '' }] = repos;
    const ids = repos.map(({ location }) => gid(location));
    const variables = { ids, ref: branch, first: ids.length };
    const data = read(Nodes, await client.graphql(QUERY, variables, signal), 'heads');
    const found = new Map(data.projects.nodes.map((node) => [node.id, node.repository]));
    const heads = new Map<number, Head>();
    for (const repo of repos) {
      const node = found.get(gid(repo.location));
      // Gone, not to be seen by us, or without this branch: which of them, one request more tells.
      const sha = node?.commit?.sha;
      heads.set(repo.id, sha ?? (await one(repo, signal)));
    }
    return heads;
  };

  const ask = async (
    repos: readonly ForgeRepo[],
    signal: AbortSignal,
  ): Promise<Map<number, Head>> => {
    const heads = new Map<number, Head>();
    const rest = [...repos];
    while (rest.length > 0 && hasField) {
      const now = rest.slice(0, batchSize);
      try {
        (await batch(now, signal)).forEach((head, id) => heads.set(id, head));
        rest.splice(0, now.length);
      } catch (error) {
        if (isTooComplex(error) && now.length > 1) {
          batchSize = Math.ceil(now.length / 2);
        } else if (isTooComplex(error) || lacksField(error)) {
          hasField = false;
        } else {
          rest.splice(0, now.length).forEach(({ id }) => heads.set(id, asError(error)));
        }
      }
    }
    for (const repo of rest) {
      heads.set(repo.id, await one(repo, signal));
    }
    return heads;
  };

  return async (repos, signal) => {
    const byBranch = Map.groupBy(repos, ({ branch }) => branch);
    const heads = new Map<number, Head>();
    for (const group of byBranch.values()) {
      (await ask(group, signal)).forEach((head, id) => heads.set(id, head));
    }
    return heads;
  };
}

/** The project is away, or it is there and its branch is not. */
async function whyMissing(
  projects: Projects,
  repo: ForgeRepo,
  signal: AbortSignal,
): Promise<Error> {
  try {
    const { defaultBranch, path } = await projects.get(Number(repo.location), signal);
    return defaultBranch === undefined || defaultBranch === repo.branch
      ? new AppError(
          'SOURCE_UNREADABLE',
          `${path} has no branch ${repo.branch} that we may read.`,
          {
            remedy: "Push a first commit, or give the bot's account the role Reporter or higher.",
          },
        )
      : new AppError('SOURCE_UNREADABLE', `${path} has no branch ${repo.branch} any more.`, {
          remedy: `Its default branch is ${defaultBranch} now: autodev repos add ${path} --branch ${defaultBranch}`,
        });
  } catch (error) {
    const failure = asError(error);
    return isNotFound(failure)
      ? new AppError('SOURCE_UNREADABLE', `${repo.path} is gone from GitLab, or hidden from us.`, {
          cause: failure,
          remedy: `Add the bot's account to its members, or: autodev repos remove ${repo.path}`,
        })
      : failure;
  }
}

export function gid(location: string): string {
  return `gid://gitlab/Project/${location}`;
}

export function isNotFound(error: unknown): boolean {
  return error instanceof AppError && error.code === 'FORGE_NOT_FOUND';
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}
