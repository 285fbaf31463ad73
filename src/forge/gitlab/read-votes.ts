import { Type, type Static } from 'typebox';

import type { MergeRequestFacts, SeenPush } from '../../domain/forge-facts.ts';
import { parseNoteCommand } from '../../domain/note-command.ts';
import { AppError } from '../../kernel/errors.ts';
import type { ForgeRepo } from '../forge.ts';
import type { ReadVotes, VoteForge } from '../votes.ts';
import type { GitlabClient } from './client.ts';
import { isNotFound } from './heads.ts';
import { readThreads } from './threads.ts';
import { createVoteSource, orNull, Person, type VoteSource } from './vote-source.ts';
import { readVoters } from './voters.ts';

const MergeRequest = Type.Object({
  iid: Type.Integer(),
  state: Type.String(),
  draft: Type.Optional(Type.Boolean()),
  title: Type.String(),
  description: orNull(Type.String()),
  source_branch: Type.String(),
  target_branch: Type.String(),
  source_project_id: orNull(Type.Integer()),
  target_project_id: Type.Integer(),
  sha: orNull(Type.String()),
  author: Person,
  created_at: Type.String(),
  detailed_merge_status: Type.Optional(Type.String()),
  has_conflicts: Type.Optional(Type.Boolean()),
  changes_count: orNull(Type.String()),
  head_pipeline: orNull(Type.Object({ status: Type.String(), sha: Type.String() })),
  merge_user: orNull(Person),
  merged_by: orNull(Person),
  merged_at: orNull(Type.String()),
  merge_commit_sha: orNull(Type.String()),
  squash_commit_sha: orNull(Type.String()),
  closed_by: orNull(Person),
});
const Version = Type.Object({
  id: Type.Integer(),
  head_commit_sha: Type.String(),
  created_at: Type.String(),
});
const Approvals = Type.Object({
  approved_by: Type.Array(Type.Object({ user: Person, approved_at: orNull(Type.String()) })),
});
const Note = Type.Object({
  id: Type.Integer(),
  body: Type.String(),
  author: Person,
  created_at: Type.String(),
  updated_at: Type.String(),
  system: Type.Boolean(),
  internal: Type.Optional(Type.Boolean()),
});
const Commit = Type.Object({
  id: Type.String(),
  author_name: Type.String(),
  author_email: Type.String(),
  committer_name: Type.String(),
  committer_email: Type.String(),
});
const Diff = Type.Object({ old_path: Type.String(), new_path: Type.String() });
const Reviewer = Type.Object({ user: Person, state: Type.String() });
const Push = Type.Object({
  author_id: Type.Integer(),
  push_data: Type.Optional(
    Type.Object({
      ref: orNull(Type.String()),
      ref_type: orNull(Type.String()),
      commit_to: orNull(Type.String()),
    }),
  ),
});

/** GitLab's word while it still works on it. */
const UNSETTLED = new Set(['preparing', 'unchecked', 'checking', 'approvals_syncing']);
const DAY_MS = 86_400_000;

/** See VoteForge.readVotes. */
export async function readVotes(
  { client }: { client: GitlabClient },
  repo: ForgeRepo,
  number: number,
  { published, requesters, groups }: Parameters<VoteForge['readVotes']>[2],
  signal: AbortSignal,
): Promise<ReadVotes> {
  const source = createVoteSource(client, repo, signal);
  const of = `merge_requests/${number}`;
  const before = await source.one(MergeRequest, of);
  const versions = (await source.list(Version, `${of}/versions`)).toSorted((a, b) => b.id - a.id);
  const approvals = await source.one(Approvals, `${of}/approvals`);
  const notes = await source.list(Note, `${of}/notes?sort=asc&order_by=created_at`);
  const reviewers = await source.list(Reviewer, `${of}/reviewers`);
  const commits = await source.list(Commit, `${of}/commits`);
  const paths = await readPaths(source, of, before);
  const pushes = await readPushes(client, before, { repo, versions, published }, signal);
  const objections = reviewers.filter(({ state }) => state === 'requested_changes');
  const { mergedBy, closedBy } = endedBy(before);
  const us = await source.us();
  const threads = await readThreads(source, of, us.id);
  const voters = await readVoters(source, {
    ids: [
      us.id,
      before.author.id,
      ...approvals.approved_by.map(({ user }) => user.id),
      ...notes.filter(isCommand).map(({ author }) => author.id),
      ...objections.map(({ user }) => user.id),
      ...pushes.map(({ by }) => Number(by)),
      ...(mergedBy === undefined ? [] : [mergedBy.id]),
    ],
    names: requesters,
    groups,
  });
  const { value: after, at } = await source.timed(MergeRequest, of);

  const head = after.sha ?? undefined;
  const isMerged = after.state === 'merged';
  const status = after.detailed_merge_status ?? 'unchecked';
  const facts: MergeRequestFacts = {
    number,
    state: isMerged ? 'merged' : after.state === 'closed' ? 'closed' : 'open',
    draft: after.draft ?? /^\s*(draft:|\[draft\]|\(draft\))/i.test(after.title),
    author: String(after.author.id),
    project: String(after.target_project_id),
    sourceProject: String(after.source_project_id ?? 'gone'),
    source: after.source_branch,
    target: after.target_branch,
    description: after.description ?? '',
    head,
    movedMeanwhile: IDENTITY.some((key) => before[key] !== after[key]),
    unsettled: UNSETTLED.has(status) || after.state === 'locked',
    against: againstOf(status, after.has_conflicts ?? false),
    versions: versions.map((one) => ({ head: one.head_commit_sha, at: new Date(one.created_at) })),
    approvals: approvals.approved_by.map(({ user, approved_at: pressed }) => ({
      by: String(user.id),
      at: pressed ? new Date(pressed) : undefined,
    })),
    objections: objections.map(({ user }) => String(user.id)),
    notes: notes.map((note) => ({
      id: String(note.id),
      by: String(note.author.id),
      body: note.body,
      at: new Date(note.created_at),
      updatedAt: new Date(note.updated_at),
      system: note.system,
      internal: note.internal ?? false,
    })),
    commits: commits.map((one) => ({
      sha: one.id,
      authorName: one.author_name,
      authorEmail: one.author_email,
      committerName: one.committer_name,
      committerEmail: one.committer_email,
    })),
    pushes,
    people: voters.people,
    groupIds: voters.groupIds,
    paths,
    pipeline: after.head_pipeline ?? undefined,
    mergedBy: mergedBy && String(mergedBy.id),
    mergedAt: after.merged_at ? new Date(after.merged_at) : undefined,
    // A fast-forward has neither of the first two: the head itself is in the target branch.
    mergedCommit: isMerged
      ? (after.merge_commit_sha ?? after.squash_commit_sha ?? head)
      : undefined,
    closedBy: closedBy && String(closedBy.id),
  };
  const now = client.clock.now();
  return { facts, bot: String(us.id), now: at !== undefined && at < now ? at : now, threads };
}

/** What may not change while the rest is read. */
const IDENTITY = ['sha', 'target_branch', 'state', 'draft', 'title', 'source_project_id'] as const;

/** GitLab says only the first thing that stands against it; a conflict may be behind that. */
function againstOf(status: string, hasConflicts: boolean): string | undefined {
  if (hasConflicts) {
    return 'conflict';
  }
  return status === 'mergeable' || UNSETTLED.has(status) ? undefined : status;
}

function isCommand({ system, body }: Static<typeof Note>): boolean {
  return !system && parseNoteCommand(body) !== undefined;
}

function endedBy(one: Static<typeof MergeRequest>) {
  return {
    mergedBy: one.merge_user ?? one.merged_by ?? undefined,
    closedBy: one.closed_by ?? undefined,
  };
}

/** Old and new paths of every change. GitLab stops listing somewhere, and says so with a plus. */
async function readPaths(
  source: VoteSource,
  of: string,
  { changes_count: count }: Static<typeof MergeRequest>,
): Promise<string[]> {
  if (count?.endsWith('+') === true) {
    throw new AppError('TOO_LARGE', `!${of.split('/')[1]} changes ${count} files.`, {
      remedy: 'Which rules it matches cannot be told: split it.',
    });
  }
  const files = await source.list(Diff, `${of}/diffs`);
  return [...new Set(files.flatMap((file) => [file.old_path, file.new_path]))].sort();
}

/** Who brought which head. Not asked while every head is one that we published: that is nearly always. */
async function readPushes(
  client: GitlabClient,
  request: Static<typeof MergeRequest>,
  {
    repo,
    versions,
    published,
  }: {
    repo: ForgeRepo;
    versions: readonly Static<typeof Version>[];
    published: readonly string[];
  },
  signal: AbortSignal,
): Promise<SeenPush[]> {
  const allOurs = versions.every((one) => published.includes(one.head_commit_sha));
  if (allOurs && request.sha === published.at(-1)) {
    return [];
  }
  const location = String(request.source_project_id ?? repo.location);
  const source = createVoteSource(client, { ...repo, location }, signal);
  // The day itself is not in what comes after it, and the branch may be older than its merge request.
  const since = new Date(Date.parse(request.created_at) - 30 * DAY_MS).toISOString().slice(0, 10);
  try {
    const pushes = await source.list(Push, `events?action=pushed&after=${since}`);
    return pushes.flatMap(({ author_id: by, push_data: data }) =>
      data?.ref === request.source_branch && data.ref_type === 'branch' && data.commit_to
        ? [{ head: data.commit_to, by: String(by) }]
        : [],
    );
  } catch (error) {
    // A fork that we may not see: then nobody is known to have pushed, which asks for more approvals, not for fewer.
    if (isNotFound(error)) {
      return [];
    }
    throw error;
  }
}
