import { projectLevel } from '../access.ts';
import {
  approvalsLeft,
  approvalsRequired,
  isApproved,
  mayApprove,
  ruleStates,
} from '../approvals.ts';
import { diffFiles } from '../git/diff.ts';
import { headOf, latestVersion } from '../heads.ts';
import {
  discussionsResolved,
  isDraft,
  statusNow,
  type DetailedMergeStatus,
} from '../mergeability.ts';
import { allNotes } from '../notes.ts';
import { headPipeline } from '../pipelines.ts';
import type { MergeRequest, User } from '../records.ts';
import { gitOf, isPremium, type World } from '../world.ts';
import { pipelineEntity } from './pipeline.ts';
import { userEntity, userOrNull } from './user.ts';

/** What a list shows. `read` counts as a look at it, which brings its merge status forward. */
export async function basicMergeRequestEntity(
  world: World,
  mergeRequest: MergeRequest,
  { read = false }: { read?: boolean } = {},
) {
  const { project, assignees } = mergeRequest;
  const status = await statusNow(world, mergeRequest, { read });
  const reference = `!${mergeRequest.iid}`;
  return {
    id: mergeRequest.id,
    iid: mergeRequest.iid,
    project_id: project.id,
    title: mergeRequest.title,
    description: mergeRequest.description ?? null,
    state: mergeRequest.state,
    created_at: mergeRequest.createdAt.toISOString(),
    updated_at: mergeRequest.updatedAt.toISOString(),
    merged_by: userOrNull(world, mergeRequest.mergeUser),
    merge_user: userOrNull(world, mergeRequest.mergeUser),
    merged_at: mergeRequest.mergedAt?.toISOString() ?? null,
    closed_by: userOrNull(world, mergeRequest.closedBy),
    closed_at: mergeRequest.closedAt?.toISOString() ?? null,
    target_branch: mergeRequest.targetBranch,
    source_branch: mergeRequest.sourceBranch,
    user_notes_count: allNotes(mergeRequest).filter(({ system }) => !system).length,
    upvotes: mergeRequest.awards.filter(({ name }) => name === 'thumbsup').length,
    downvotes: mergeRequest.awards.filter(({ name }) => name === 'thumbsdown').length,
    author: userEntity(world, mergeRequest.author),
    assignees: assignees.map((user) => userEntity(world, user)),
    assignee: userOrNull(world, assignees[0]),
    reviewers: mergeRequest.reviewers.map(({ user }) => userEntity(world, user)),
    source_project_id: mergeRequest.sourceProject.id,
    target_project_id: project.id,
    labels: mergeRequest.labels,
    draft: isDraft(mergeRequest),
    imported: false,
    imported_from: 'none',
    work_in_progress: isDraft(mergeRequest),
    milestone: null,
    merge_when_pipeline_succeeds: false,
    merge_status: mergeStatusOf(status),
    detailed_merge_status: status,
    merge_after: null,
    sha: headOf(mergeRequest),
    merge_commit_sha: mergeRequest.mergeCommit ?? null,
    squash_commit_sha: mergeRequest.squashCommit ?? null,
    discussion_locked: null,
    should_remove_source_branch: null,
    force_remove_source_branch: mergeRequest.removeSourceBranch,
    prepared_at: mergeRequest.preparedAt.toISOString(),
    reference,
    references: { short: reference, relative: reference, full: `${project.path}${reference}` },
    web_url: `${world.url}/${project.path}/-/merge_requests/${mergeRequest.iid}`,
    time_stats: {
      time_estimate: 0,
      total_time_spent: 0,
      human_time_estimate: null,
      human_total_time_spent: null,
    },
    squash: mergeRequest.squash,
    squash_on_merge: mergeRequest.squash,
    task_completion_status: { count: 0, completed_count: 0 },
    has_conflicts: status === 'conflict',
    blocking_discussions_resolved: discussionsResolved(mergeRequest),
    approvals_before_merge: null,
  };
}

export async function mergeRequestEntity(
  world: World,
  mergeRequest: MergeRequest,
  { user, read = false }: { user: User; read?: boolean },
) {
  const { project } = mergeRequest;
  const { base, head, start } = latestVersion(mergeRequest);
  const pipeline = headPipeline(world, mergeRequest);
  const basic = await basicMergeRequestEntity(world, mergeRequest, { read });
  const changes = await diffFiles(gitOf(world, project), base, head);
  return {
    ...basic,
    subscribed: false,
    changes_count: String(changes.length),
    latest_build_started_at: null,
    latest_build_finished_at: null,
    first_deployed_to_production_at: null,
    pipeline: pipeline ? pipelineEntity(world, pipeline) : null,
    head_pipeline: pipeline ? pipelineEntity(world, pipeline) : null,
    diff_refs: { base_sha: base, head_sha: head, start_sha: start },
    merge_error: mergeRequest.mergeError ?? null,
    first_contribution: false,
    user: { can_merge: projectLevel(world, project, user) >= 30 },
  };
}

/** Free tells four things; the rest exists only with a licence. */
export async function approvalsEntity(world: World, mergeRequest: MergeRequest, user: User) {
  const own = {
    user_has_approved: mergeRequest.approvals.some((approval) => approval.user === user),
    user_can_approve: await mayApprove(world, mergeRequest, user),
    approved: isApproved(world, mergeRequest),
    approved_by: mergeRequest.approvals.map((approval) => ({
      user: userEntity(world, approval.user),
      approved_at: approval.at.toISOString(),
    })),
  };
  if (!isPremium(world)) {
    return own;
  }
  return {
    id: mergeRequest.id,
    iid: mergeRequest.iid,
    project_id: mergeRequest.project.id,
    title: mergeRequest.title,
    description: mergeRequest.description ?? null,
    state: mergeRequest.state,
    created_at: mergeRequest.createdAt.toISOString(),
    updated_at: mergeRequest.updatedAt.toISOString(),
    merge_status: 'can_be_merged',
    ...own,
    approvals_required: approvalsRequired(world, mergeRequest),
    approvals_left: approvalsLeft(world, mergeRequest),
    require_password_to_approve: false,
    suggested_approvers: [],
    approvers: [],
    approver_groups: [],
    approval_rules_left: ruleStates(world, mergeRequest)
      .filter(({ approved }) => !approved)
      .map(({ rule }) => ({ id: rule.id, name: rule.name, rule_type: rule.type })),
    has_approval_rules: mergeRequest.project.approvalRules.length > 0,
    merge_request_approvers_available: true,
    multiple_approval_rules_available: true,
    invalid_approvers_rules: [],
  };
}

function mergeStatusOf(status: DetailedMergeStatus): string {
  if (status === 'preparing' || status === 'checking') {
    return status;
  }
  return status === 'conflict' || status === 'commits_status'
    ? 'cannot_be_merged'
    : 'can_be_merged';
}
