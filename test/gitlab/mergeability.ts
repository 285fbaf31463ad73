import { isApproved } from './approvals.ts';
import { branchHead, isAncestor } from './git/read.ts';
import { mergedTree } from './git/write.ts';
import { headOf } from './heads.ts';
import { headPipeline, pipelineStatus } from './pipelines.ts';
import type { Discussion, MergeRequest } from './records.ts';
import { gitOf, isPremium, type World } from './world.ts';

export type DetailedMergeStatus =
  | 'preparing'
  | 'checking'
  | 'not_open'
  | 'approvals_syncing'
  | 'draft_status'
  | 'discussions_not_resolved'
  | 'ci_must_pass'
  | 'ci_still_running'
  | 'not_approved'
  | 'requested_changes'
  | 'commits_status'
  | 'conflict'
  | 'need_rebase'
  | 'mergeable';

export function isDraft({ title }: Pick<MergeRequest, 'title'>): boolean {
  return /^\s*(\[draft\]|\(draft\)|draft:)/i.test(title);
}

export function isResolvable({ individual, notes }: Discussion): boolean {
  return !individual && notes.some(({ system }) => !system);
}

export function discussionsResolved({ discussions }: MergeRequest): boolean {
  return discussions.filter(isResolvable).every(({ resolvedAt }) => resolvedAt !== undefined);
}

/**
 * The first reason against merging, in the order of GitLab's checks: one value hides all later ones (a draft hides
 * a conflict), and the pipeline is looked at last of all. What the server "has not looked at yet" is not known
 * here: see `statusNow`.
 */
export async function mergeStatus(
  world: World,
  mergeRequest: MergeRequest,
): Promise<DetailedMergeStatus> {
  return (
    (await stateAgainst(world, mergeRequest)) ??
    (await gitAgainst(world, mergeRequest)) ??
    ciAgainst(world, mergeRequest) ??
    'mergeable'
  );
}

/** What makes GitLab answer a merge with 405: everything but a conflict or a missing rebase, which are 422. */
export async function refusedMerge(
  world: World,
  mergeRequest: MergeRequest,
): Promise<DetailedMergeStatus | undefined> {
  return mergeRequest.unsettledReads.preparing > 0
    ? 'preparing'
    : ((await stateAgainst(world, mergeRequest)) ?? ciAgainst(world, mergeRequest));
}

/** As a read sees it: a changed merge request is first being prepared or checked. `read` counts this read. */
export async function statusNow(
  world: World,
  mergeRequest: MergeRequest,
  { read }: { read: boolean },
): Promise<DetailedMergeStatus> {
  const { unsettledReads: left } = mergeRequest;
  const unsettled = left.preparing > 0 ? 'preparing' : left.checking > 0 ? 'checking' : undefined;
  if (mergeRequest.state === 'opened' && unsettled !== undefined) {
    if (read) {
      left[unsettled] -= 1;
    }
    return unsettled;
  }
  return mergeStatus(world, mergeRequest);
}

/** The checks of the paid editions come first, before it even matters whether the merge request is open. */
async function stateAgainst(
  world: World,
  mergeRequest: MergeRequest,
): Promise<DetailedMergeStatus | undefined> {
  if (isPremium(world)) {
    if (mergeRequest.reviewers.some(({ state }) => state === 'requested_changes')) {
      return 'requested_changes';
    }
    if (!isApproved(world, mergeRequest)) {
      return mergeRequest.pendingResets > 0 ? 'approvals_syncing' : 'not_approved';
    }
  }
  if (mergeRequest.state !== 'opened') {
    return 'not_open';
  }
  if (isDraft(mergeRequest)) {
    return 'draft_status';
  }
  if (!(await hasCommits(world, mergeRequest))) {
    return 'commits_status';
  }
  const { onlyAllowMergeIfAllDiscussionsAreResolved: mustResolve } = mergeRequest.project.settings;
  return mustResolve && !discussionsResolved(mergeRequest) ? 'discussions_not_resolved' : undefined;
}

function ciAgainst(world: World, mergeRequest: MergeRequest): DetailedMergeStatus | undefined {
  if (!mergeRequest.project.settings.onlyAllowMergeIfPipelineSucceeds) {
    return undefined;
  }
  const pipeline = headPipeline(world, mergeRequest);
  const status = pipeline === undefined ? undefined : pipelineStatus(pipeline);
  if (
    status === 'success' ||
    (status === 'skipped' && mergeRequest.project.settings.allowMergeOnSkippedPipeline)
  ) {
    return undefined;
  }
  return status === 'created' || status === 'pending' || status === 'running'
    ? 'ci_still_running'
    : 'ci_must_pass';
}

/** Both branches are there, and the source has something that the target has not. */
async function hasCommits(world: World, mergeRequest: MergeRequest): Promise<boolean> {
  const git = gitOf(world, mergeRequest.project);
  const [target, source] = await Promise.all([
    branchHead(git, mergeRequest.targetBranch),
    branchHead(gitOf(world, mergeRequest.sourceProject), mergeRequest.sourceBranch),
  ]);
  return (
    target !== undefined &&
    source !== undefined &&
    !(await isAncestor(git, headOf(mergeRequest), target))
  );
}

async function gitAgainst(
  world: World,
  mergeRequest: MergeRequest,
): Promise<DetailedMergeStatus | undefined> {
  const git = gitOf(world, mergeRequest.project);
  const head = headOf(mergeRequest);
  const target = await branchHead(git, mergeRequest.targetBranch);
  if (target === undefined || (await mergedTree(git, target, head)) === undefined) {
    return 'conflict';
  }
  const mustContain = mergeRequest.project.settings.mergeMethod !== 'merge';
  return mustContain && !(await isAncestor(git, target, head)) ? 'need_rebase' : undefined;
}
