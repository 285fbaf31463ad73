import { join } from 'node:path';

import type { Clock } from '../../kernel/clock.ts';
import { AppError } from '../../kernel/errors.ts';
import type { Log } from '../../kernel/log.ts';
import type { BranchOutcome, Forge, ForgeRepo } from '../forge.ts';
import type { Git } from '../git.ts';
import type { ReviewForge } from '../review.ts';
import type { VoteForge } from '../votes.ts';
import type { GitlabClient } from './client.ts';
import { listActiveProjects, listGroupProjects, registrationOf } from './discover.ts';
import { createGitAccess } from './git-access.ts';
import { createHeadMemory } from './head-memory.ts';
import { createHeadQuery, isNotFound } from './heads.ts';
import { findMergeRequest } from './merge-requests.ts';
import { merge } from './merge.ts';
import { createGitlabMirrorFetch } from './mirror.ts';
import { createPeople, type People } from './people.ts';
import { createProjects, type Project, type Projects } from './projects.ts';
import { deleteBranch, publishBranch } from './publish.ts';
import { changedPaths, readCommit, readFile } from './read.ts';
import { createGitlabReview } from './review-forge.ts';
import { createGitlabVotes } from './vote-forge.ts';

interface GitlabForgeDeps {
  client: GitlabClient;
  git: Git;
  clock: Clock;
  log: Log;
  /** See ReceiveDeps. */
  scratch: string;
  /** A folder of ours for mirrors. */
  mirrors: string;
  /** Default: 256 MiB. */
  maxBundleBytes?: number;
}

interface GitlabRegistration {
  readonly location: string;
  readonly path: string;
  readonly branch: string;
}

/** What only projects on GitLab have. */
export interface GitlabForge extends Forge {
  readonly client: GitlabClient;
  readonly people: People;
  readonly review: ReviewForge;
  readonly votes: VoteForge;
  /** Checks a project, by path or id, before it becomes a row. */
  inspect(
    options: { path: string; branch: string | undefined },
    signal: AbortSignal,
  ): Promise<GitlabRegistration>;
  /** Every project of a group that can be worked in; see listGroupProjects. */
  discover(
    options: { group: string; include: readonly string[]; exclude: readonly string[] },
    signal: AbortSignal,
  ): Promise<GitlabRegistration[]>;
}

const MAX_BUNDLE_BYTES = 256 * 1024 * 1024;

/** The forge of projects on one GitLab. It keeps caches, so make one per process. */
export function createGitlabForge(
  { client, git, clock, log, scratch, mirrors, maxBundleBytes = MAX_BUNDLE_BYTES }: GitlabForgeDeps,
  { matches }: { matches: (glob: string, text: string) => boolean },
): GitlabForge {
  const projects = createProjects(client);
  const access = createGitAccess({ git, client, projects });
  const fetchMirror = createGitlabMirrorFetch({ git, clock, access, projects });
  const publishing = {
    git,
    clock,
    access,
    fetchMirror,
    scratch,
    maxBundleBytes,
    mirrors: join(mirrors, 'gitlab'),
  };
  const people = createPeople({ client, clock });
  return {
    client,
    people,
    review: createGitlabReview({ client, people }),
    votes: createGitlabVotes(client),
    async inspect({ path, branch }, signal) {
      const idOrPath = /^\d+$/.test(path) ? Number(path) : path.replace(/^\/+|\/+$/g, '');
      return registrationOf(await getProject(projects, idOrPath, signal), branch);
    },
    async discover(options, signal) {
      const found = await listGroupProjects({ client, matches }, options, signal);
      return found.map((project) => registrationOf(project, undefined));
    },
    readHeads: createHeadMemory({
      clock,
      log,
      ask: createHeadQuery({ client, projects }),
      listActive: (since, signal) => listActiveProjects(client, since, signal),
    }),
    readFile: (repo, at, signal) => readFile(client, repo, at, signal),
    readCommit: (repo, commit, signal) => readCommit(client, repo, commit, signal),
    changedPaths: (repo, range, signal) => changedPaths(client, repo, range, signal),
    fetchMirror,
    publishBranch: (repo, options, signal) => publishBranch(publishing, repo, options, signal),
    observeBranch: (repo, options, signal) => observeBranch(client, repo, options, signal),
    merge: (repo, options, signal) => merge({ client }, repo, options, signal),
    deleteBranch: (repo, options, signal) => deleteBranch(publishing, repo, options, signal),
  };
}

async function getProject(
  projects: Projects,
  idOrPath: number | string,
  signal: AbortSignal,
): Promise<Project> {
  try {
    return await projects.get(idOrPath, signal);
  } catch (error) {
    if (!isNotFound(error)) {
      throw error;
    }
    throw new AppError('NOT_FOUND', `GitLab shows us no project ${idOrPath}.`, {
      cause: error,
      remedy: "Give its path (group/project) or id, and make the bot's account a Developer of it.",
    });
  }
}

/** See Forge.observeBranch. The merge request tells; a branch alone would not say how it ended. */
async function observeBranch(
  client: GitlabClient,
  repo: ForgeRepo,
  { branch, head }: { branch: string; head: string },
  signal: AbortSignal,
): Promise<BranchOutcome> {
  const request = await findMergeRequest({ client }, repo, branch, signal);
  if (request === undefined) {
    // Between the push of a branch and the opening of its merge request.
    return { state: 'open', head };
  }
  switch (request.state) {
    case 'merged':
      if (request.mergedCommit === undefined) {
        throw new AppError(
          'SOURCE_UNREADABLE',
          `GitLab does not say yet how !${request.number} of ${repo.path} was merged.`,
        );
      }
      return {
        state: 'merged',
        commit: request.mergedCommit,
        by: request.mergedCommit === request.head ? 'ancestor' : 'squash',
      };
    case 'closed':
      return { state: 'closed' };
    case 'opened':
    case 'locked':
      return { state: 'open', head: request.head ?? head };
    default:
      return request.state satisfies never;
  }
}
