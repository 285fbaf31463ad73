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
 * The first reason against merging, in GitLab's order: one value hides all later ones (a draft hides a conflict).
 * What the server "has not looked at yet" is not known here: see `statusNow`.
 */
export async function mergeStatus(
  world: World,
  mergeRequest: MergeRequest,
): Promise<DetailedMergeStatus> {
  return cheapStatus(world, mergeRequest) ?? gitStatus(world, mergeRequest);
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

/** All that is known without git: what makes GitLab answer a merge with 405. */
export function cheapStatus(
  world: World,
  mergeRequest: MergeRequest,
): DetailedMergeStatus | undefined {
  const { settings } = mergeRequest.project;
  if (mergeRequest.state !== 'opened') {
    return 'not_open';
  }
  if (mergeRequest.pendingResets > 0) {
    return 'approvals_syncing';
  }
  if (isDraft(mergeRequest)) {
    return 'draft_status';
  }
  if (settings.onlyAllowMergeIfAllDiscussionsAreResolved && !discussionsResolved(mergeRequest)) {
    return 'discussions_not_resolved';
  }
  const ci = settings.onlyAllowMergeIfPipelineSucceeds ? ciStatus(world, mergeRequest) : undefined;
  if (ci !== undefined) {
    return ci;
  }
  if (isPremium(world)) {
    if (!isApproved(world, mergeRequest)) {
      return 'not_approved';
    }
    if (mergeRequest.reviewers.some(({ state }) => state === 'requested_changes')) {
      return 'requested_changes';
    }
  }
  return undefined;
}

function ciStatus(world: World, mergeRequest: MergeRequest): DetailedMergeStatus | undefined {
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

async function gitStatus(world: World, mergeRequest: MergeRequest): Promise<DetailedMergeStatus> {
  const git = gitOf(world, mergeRequest.project);
  const head = headOf(mergeRequest);
  const target = await branchHead(git, mergeRequest.targetBranch);
  if (
    target === undefined ||
    (await branchHead(gitOf(world, mergeRequest.sourceProject), mergeRequest.sourceBranch)) ===
      undefined
  ) {
    return 'commits_status';
  }
  if (await isAncestor(git, head, target)) {
    return 'commits_status';
  }
  if ((await mergedTree(git, target, head)) === undefined) {
    return 'conflict';
  }
  const { mergeMethod } = mergeRequest.project.settings;
  if (mergeMethod !== 'merge' && !(await isAncestor(git, target, head))) {
    return 'need_rebase';
  }
  return 'mergeable';
}
