import { Type } from 'typebox';

import { AppError } from '../../kernel/errors.ts';
import { requireCommitId } from '../commit-id.ts';
import type { ForgeRepo } from '../forge.ts';
import { requireOwnBranch } from '../own-branch.ts';
import type { ReviewForge } from '../review.ts';
import type { ForgeMergeRequest } from '../tracker.ts';
import type { GitlabClient } from './client.ts';
import { isNotFound } from './heads.ts';
import { findIssue, putIssue, setIssueState } from './issues.ts';
import {
  closeMergeRequest,
  findMergeRequest,
  getMergeRequest,
  openMergeRequest,
  readMergeRequest,
} from './merge-requests.ts';
import { putNote } from './notes.ts';
import type { People } from './people.ts';
import { read } from './shape.ts';
import { setStatus } from './statuses.ts';

interface Deps {
  client: GitlabClient;
  people: People;
}

/** The people's side of GitLab: see ReviewForge. */
export function createGitlabReview(deps: Deps): ReviewForge {
  return {
    getMergeRequest: (repo, number, signal) => getMergeRequest(deps, repo, number, signal),
    listMergeRequests: (repo, options, signal) => listMergeRequests(deps, repo, options, signal),
    putNote: (repo, note, signal) => putNote(deps, repo, note, signal),
    setStatus: (repo, status, signal) => setStatus(deps.client, repo, status, signal),
    putIssue: (repo, wish, signal) => putIssue(deps, repo, wish, signal),
    findIssue: (repo, issue, signal) => findIssue(deps, repo, issue, signal),
    setIssueState: (repo, issue, signal) => setIssueState(deps, repo, issue, signal),
    findMergeRequest: (repo, branch, signal) => findMergeRequest(deps, repo, branch, signal),
    openMergeRequest: (repo, wish, signal) => openMergeRequest(deps, repo, wish, signal),
    closeMergeRequest: (repo, number, signal) => closeMergeRequest(deps, repo, number, signal),
    offerFile: (repo, file, signal) => offerFile(deps, repo, file, signal),
  };
}

/** One page: who has more than a hundred open at once is told of the newest. */
async function listMergeRequests(
  { client }: Pick<Deps, 'client'>,
  repo: ForgeRepo,
  { state, updatedAfter }: Parameters<ReviewForge['listMergeRequests']>[1],
  signal: AbortSignal,
): Promise<ForgeMergeRequest[]> {
  const answer: unknown = await client.api(signal).mergeRequests.all({
    projectId: Number(repo.location),
    state,
    targetBranch: repo.branch,
    orderBy: 'updated_at',
    sort: 'desc',
    perPage: 100,
    maxPages: 1,
    ...(updatedAfter && { updatedAfter: updatedAfter.toISOString() }),
  });
  const what = `the merge requests of ${repo.path}`;
  return read(Type.Array(Type.Unknown()), answer, what).map((one) => readMergeRequest(one, what));
}

const Branch = Type.Object({ commit: Type.Object({ id: Type.String() }) });
const Commit = Type.Object({ id: Type.String() });

async function offerFile(
  deps: Pick<Deps, 'client'>,
  repo: ForgeRepo,
  { branch, base, path, content, message }: Parameters<ReviewForge['offerFile']>[1],
  signal: AbortSignal,
): Promise<string> {
  requireOwnBranch(branch);
  const there = await headOf(deps, repo, branch, signal);
  if (there !== undefined) {
    return there;
  }
  const project = encodeURIComponent(repo.location);
  try {
    const { body } = await deps.client.send(
      {
        method: 'POST',
        path: `projects/${project}/repository/commits`,
        body: JSON.stringify({
          branch,
          start_sha: requireCommitId(base),
          commit_message: message,
          actions: [{ action: 'create', file_path: path, content }],
        }),
        repeatable: false,
        expects: 'json',
      },
      signal,
    );
    return read(Commit, body, `the commit on ${branch}`).id;
  } catch (error) {
    // Its answer was lost, or another process was faster.
    const made =
      error instanceof AppError &&
      ['FORGE_UNCERTAIN', 'FORGE_REFUSED', 'FORGE_CONFLICT'].includes(error.code)
        ? await headOf(deps, repo, branch, signal)
        : undefined;
    if (made === undefined) {
      throw error;
    }
    return made;
  }
}

async function headOf(
  { client }: Pick<Deps, 'client'>,
  repo: ForgeRepo,
  branch: string,
  signal: AbortSignal,
): Promise<string | undefined> {
  try {
    const answer: unknown = await client.api(signal).branches.show(Number(repo.location), branch);
    return read(Branch, answer, `the branch ${branch}`).commit.id;
  } catch (error) {
    if (isNotFound(error)) {
      return undefined;
    }
    throw error;
  }
}
