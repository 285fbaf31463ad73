import { AppError } from '../kernel/errors.ts';
import type { Forge, ForgeRepo } from './forge.ts';
import type { GitlabForge } from './gitlab/forge.ts';
import type { LocalForge } from './local/forge.ts';

/** Every forge at once: each repository is asked for where it is. What only one kind has is by its name. */
export interface Forges extends LocalForge {
  /** Undefined: no GitLab is set up. */
  readonly gitlab: GitlabForge | undefined;
}

export function createForges({
  local,
  gitlab,
}: {
  local: LocalForge;
  gitlab: GitlabForge | undefined;
}): Forges {
  const of = ({ forge, path }: ForgeRepo): Forge => {
    if (forge !== 'gitlab') {
      return local;
    }
    return gitlab ?? noGitlab(path);
  };
  return {
    ...local,
    gitlab,
    async readHeads(repos, signal) {
      const remote = repos.filter(({ forge }) => forge === 'gitlab');
      const here = repos.filter(({ forge }) => forge !== 'gitlab');
      // Those of this machine do not wait for the network.
      const [near, far] = await Promise.all([
        local.readHeads(here, signal),
        readRemote(gitlab, remote, signal),
      ]);
      return new Map([...near, ...far]);
    },
    readFile: async (repo, at, signal) => of(repo).readFile(repo, at, signal),
    readCommit: async (repo, commit, signal) => of(repo).readCommit(repo, commit, signal),
    changedPaths: async (repo, range, signal) => of(repo).changedPaths(repo, range, signal),
    fetchMirror: async (repo, mirror, signal) => of(repo).fetchMirror(repo, mirror, signal),
    publishBranch: async (repo, options, signal) => of(repo).publishBranch(repo, options, signal),
    observeBranch: async (repo, options, signal) => of(repo).observeBranch(repo, options, signal),
    merge: async (repo, options, signal) => of(repo).merge(repo, options, signal),
    deleteBranch: async (repo, options, signal) => of(repo).deleteBranch(repo, options, signal),
  };
}

async function readRemote(
  gitlab: GitlabForge | undefined,
  repos: readonly ForgeRepo[],
  signal: AbortSignal,
): Promise<Map<number, string | Error>> {
  if (repos.length === 0) {
    return new Map();
  }
  return gitlab
    ? gitlab.readHeads(repos, signal)
    : new Map(repos.map(({ id, path }) => [id, gitlabMissing(path)]));
}

function noGitlab(path: string): never {
  throw gitlabMissing(path);
}

function gitlabMissing(path: string): AppError {
  return new AppError('SOURCE_UNREADABLE', `${path} is on GitLab, and none is set up.`, {
    remedy: 'Set GITLAB_URL and GITLAB_TOKEN (or GITLAB_TOKEN_FILE) and start again.',
  });
}
