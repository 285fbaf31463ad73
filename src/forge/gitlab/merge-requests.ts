import { Type, type Static } from 'typebox';

import { AppError } from '../../kernel/errors.ts';
import type { ForgeRepo } from '../forge.ts';
import type { ForgeMergeRequest, ForgeVersion } from '../tracker.ts';
import { WHOLE_LIST, type GitlabClient } from './client.ts';
import { Person, personOf, personOrNone, type People } from './people.ts';
import { read } from './shape.ts';

const OrNull = <T extends Parameters<typeof Type.Optional>[0]>(schema: T) =>
  Type.Optional(Type.Union([schema, Type.Null()]));

const MergeRequest = Type.Object({
  iid: Type.Integer(),
  state: Type.Union([
    Type.Literal('opened'),
    Type.Literal('closed'),
    Type.Literal('merged'),
    Type.Literal('locked'),
  ]),
  draft: Type.Optional(Type.Boolean()),
  title: Type.String(),
  description: OrNull(Type.String()),
  source_branch: Type.String(),
  target_branch: Type.String(),
  source_project_id: OrNull(Type.Integer()),
  target_project_id: Type.Integer(),
  sha: OrNull(Type.String()),
  diff_refs: OrNull(
    Type.Object({
      base_sha: OrNull(Type.String()),
      start_sha: OrNull(Type.String()),
      head_sha: OrNull(Type.String()),
    }),
  ),
  author: Person,
  labels: Type.Array(Type.String()),
  reviewers: OrNull(Type.Array(Person)),
  detailed_merge_status: Type.Optional(Type.String()),
  merge_status: Type.Optional(Type.String()),
  has_conflicts: Type.Optional(Type.Boolean()),
  head_pipeline: OrNull(
    Type.Object({ id: Type.Integer(), status: Type.String(), sha: Type.String() }),
  ),
  merge_user: OrNull(Person),
  merged_by: OrNull(Person),
  merged_at: OrNull(Type.String()),
  merge_commit_sha: OrNull(Type.String()),
  squash_commit_sha: OrNull(Type.String()),
  closed_by: OrNull(Person),
  updated_at: Type.String(),
  web_url: Type.String(),
});

interface Deps {
  client: GitlabClient;
  people: People;
}

export interface NewMergeRequest {
  readonly branch: string;
  readonly title: string;
  readonly description: string;
  readonly labels: readonly string[];
  /** Usernames; who does not exist is left out. */
  readonly reviewers: readonly string[];
  readonly draft: boolean;
}

export async function getMergeRequest(
  { client }: Pick<Deps, 'client'>,
  repo: ForgeRepo,
  number: number,
  signal: AbortSignal,
): Promise<ForgeMergeRequest> {
  const answer: unknown = await client
    .api(signal)
    .mergeRequests.show(Number(repo.location), number);
  return readMergeRequest(answer, `!${number} of ${repo.path}`);
}

/** The newest merge request of a branch of the project itself into its default branch; undefined: none. */
export async function findMergeRequest(
  deps: Pick<Deps, 'client'>,
  repo: ForgeRepo,
  branch: string,
  signal: AbortSignal,
): Promise<ForgeMergeRequest | undefined> {
  const answer: unknown = await deps.client.api(signal).mergeRequests.all({
    projectId: Number(repo.location),
    sourceBranch: branch,
    targetBranch: repo.branch,
    orderBy: 'created_at',
    sort: 'desc',
    perPage: 20,
    maxPages: 1,
  });
  const listed = read(Type.Array(MergeRequest), answer, `merge requests of ${repo.path}`);
  // A fork may have a branch of the same name: that is somebody else's.
  const own = listed.find((one) => one.source_project_id === one.target_project_id);
  // Lists leave out pipelines and the commits of the diff.
  return own && getMergeRequest(deps, repo, own.iid, signal);
}

/**
 * Opens a merge request of one of our branches, or brings the open one to these words. Asked for twice, it is
 * opened once, also when the first answer was lost.
 */
export async function openMergeRequest(
  deps: Deps,
  repo: ForgeRepo,
  wanted: NewMergeRequest,
  signal: AbortSignal,
): Promise<ForgeMergeRequest> {
  const found = await findOpen(deps, repo, wanted.branch, signal);
  if (found) {
    return updateMergeRequest(deps, repo, { found, wanted }, signal);
  }
  const ids = await deps.people.ids(wanted.reviewers, signal);
  try {
    const made: unknown = await deps.client
      .api(signal)
      .mergeRequests.create(Number(repo.location), wanted.branch, repo.branch, titleOf(wanted), {
        description: wanted.description,
        labels: wanted.labels.join(','),
        reviewerIds: [...ids.values()],
        removeSourceBranch: true,
      });
    return readMergeRequest(made, `the new merge request of ${wanted.branch}`);
  } catch (error) {
    const mayBeThere =
      error instanceof AppError &&
      (error.code === 'FORGE_CONFLICT' || error.code === 'FORGE_UNCERTAIN');
    const there = mayBeThere ? await findOpen(deps, repo, wanted.branch, signal) : undefined;
    if (there) {
      return there;
    }
    throw error;
  }
}

async function findOpen(
  deps: Deps,
  repo: ForgeRepo,
  branch: string,
  signal: AbortSignal,
): Promise<ForgeMergeRequest | undefined> {
  const found = await findMergeRequest(deps, repo, branch, signal);
  return found?.state === 'opened' ? found : undefined;
}

/** Labels that people added stay, and so does what they made of a draft. */
async function updateMergeRequest(
  { client }: Deps,
  repo: ForgeRepo,
  { found, wanted }: { found: ForgeMergeRequest; wanted: NewMergeRequest },
  signal: AbortSignal,
): Promise<ForgeMergeRequest> {
  const title = titleOf({ ...wanted, draft: found.draft });
  const missing = wanted.labels.filter((label) => !found.labels.includes(label));
  if (found.title === title && found.description === wanted.description && missing.length === 0) {
    return found;
  }
  const answer: unknown = await client
    .api(signal)
    .mergeRequests.edit(Number(repo.location), found.number, {
      title,
      description: wanted.description,
      ...(missing.length > 0 && { addLabels: missing.join(',') }),
    });
  return readMergeRequest(answer, `!${found.number} of ${repo.path}`);
}

/** Closes it unmerged; its branch stays. One that is not open any more is left as it is. */
export async function closeMergeRequest(
  deps: Deps,
  repo: ForgeRepo,
  number: number,
  signal: AbortSignal,
): Promise<void> {
  const { state } = await getMergeRequest(deps, repo, number, signal);
  if (state === 'opened') {
    await deps.client
      .api(signal)
      .mergeRequests.edit(Number(repo.location), number, { stateEvent: 'close' });
  }
}

const Versions = Type.Array(
  Type.Object({ head_commit_sha: Type.String(), created_at: Type.String() }),
);

/** Every head it had, newest first. */
export async function listVersions(
  { client }: Pick<Deps, 'client'>,
  repo: ForgeRepo,
  number: number,
  signal: AbortSignal,
): Promise<ForgeVersion[]> {
  const project = encodeURIComponent(repo.location);
  const { body } = await client.send(
    {
      method: 'GET',
      path: `projects/${project}/merge_requests/${number}/versions?per_page=100`,
      repeatable: true,
      expects: 'json',
    },
    signal,
  );
  return read(Versions, body, `the versions of !${number}`)
    .map((one) => ({ head: one.head_commit_sha, createdAt: new Date(one.created_at) }))
    .sort((left, right) => right.createdAt.getTime() - left.createdAt.getTime());
}

const Commits = Type.Array(
  Type.Object({
    id: Type.String(),
    author_email: Type.String(),
    committer_email: OrNull(Type.String()),
  }),
);

/** Whose commits it brings. */
export async function listCommitEmails(
  { client }: Pick<Deps, 'client'>,
  repo: ForgeRepo,
  number: number,
  signal: AbortSignal,
): Promise<Set<string>> {
  const answer: unknown = await client
    .api(signal)
    .mergeRequests.allCommits(Number(repo.location), number, WHOLE_LIST);
  const commits = read(Commits, answer, `the commits of !${number}`);
  return new Set(
    commits
      .flatMap((one) => [one.author_email, one.committer_email ?? ''])
      .filter((email) => email !== '')
      .map((email) => email.toLowerCase()),
  );
}

export function readMergeRequest(value: unknown, what: string): ForgeMergeRequest {
  return fromAnswer(read(MergeRequest, value, what));
}

function fromAnswer(one: Static<typeof MergeRequest>): ForgeMergeRequest {
  const { diff_refs: refs } = one;
  const diff =
    refs?.base_sha && refs.start_sha && refs.head_sha
      ? { base: refs.base_sha, start: refs.start_sha, head: refs.head_sha }
      : undefined;
  const merged = one.state === 'merged';
  return {
    number: one.iid,
    state: one.state,
    draft: one.draft ?? /^\s*(draft:|\[draft\]|\(draft\))/i.test(one.title),
    title: one.title,
    description: one.description ?? '',
    sourceBranch: one.source_branch,
    targetBranch: one.target_branch,
    isFork: one.source_project_id !== one.target_project_id,
    head: one.sha ?? undefined,
    diff,
    author: personOf(one.author),
    labels: one.labels,
    reviewers: (one.reviewers ?? []).map(personOf),
    mergeStatus: one.detailed_merge_status ?? one.merge_status ?? 'unknown',
    hasConflicts: one.has_conflicts ?? false,
    pipeline: one.head_pipeline ?? undefined,
    mergedBy: personOrNone(one.merge_user ?? one.merged_by),
    mergedAt: one.merged_at ? new Date(one.merged_at) : undefined,
    // A fast-forward has neither of the first two: the head itself is in the target branch.
    mergedCommit: merged
      ? (one.merge_commit_sha ?? one.squash_commit_sha ?? one.sha ?? undefined)
      : undefined,
    closedBy: personOrNone(one.closed_by),
    updatedAt: new Date(one.updated_at),
    webUrl: one.web_url,
  };
}

function titleOf({ title, draft }: Pick<NewMergeRequest, 'title' | 'draft'>): string {
  return draft ? `Draft: ${title}` : title;
}
