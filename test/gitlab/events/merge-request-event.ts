import { rulesOf } from '../approvals.ts';
import { readCommit } from '../git/read.ts';
import { headOf } from '../heads.ts';
import { discussionsResolved, isDraft } from '../mergeability.ts';
import { headPipeline } from '../pipelines.ts';
import type { MergeRequest, User } from '../records.ts';
import { gitOf, isPremium, type World } from '../world.ts';
import {
  commitSection,
  hookTime,
  hookTimeOrNull,
  labelSections,
  projectSection,
  userSection,
} from './sections.ts';

export interface MergeRequestAct {
  readonly action:
    | 'open'
    | 'close'
    | 'reopen'
    | 'update'
    | 'merge'
    | 'approval'
    | 'approved'
    | 'unapproval'
    | 'unapproved';
  readonly user: User;
  /** The head before a push; only then. */
  readonly oldrev?: string;
  /** Set for what GitLab did by itself. */
  readonly systemAction?: string;
  readonly changes?: Readonly<Record<string, { previous: unknown; current: unknown }>>;
}

const STATE_IDS = { opened: 1, closed: 2, merged: 3, locked: 4 } as const;

/** Merge Request Hook. It is sent in the background: the last commit must be read first. */
export function tellMergeRequest(
  world: World,
  mergeRequest: MergeRequest,
  act: MergeRequestAct,
): void {
  const { project } = mergeRequest;
  const payload = mergeRequestPayload(world, mergeRequest, act);
  world.webhooks.later(async () => {
    const commit = await readCommit(gitOf(world, project), payload.head);
    const last = commit && commitSection(world, project, commit);
    world.webhooks.fire(
      { project },
      {
        flag: 'merge_requests_events',
        name: 'Merge Request Hook',
        payload: {
          ...payload.body,
          object_attributes: { ...payload.body.object_attributes, last_commit: last ?? null },
        },
      },
    );
  });
}

/** Everything but the last commit, as it is at this moment. */
function mergeRequestPayload(world: World, mergeRequest: MergeRequest, act: MergeRequestAct) {
  const { project, reviewers, assignees } = mergeRequest;
  const labels = labelSections(project, mergeRequest.labels);
  const body = {
    object_kind: 'merge_request',
    event_type: 'merge_request',
    user: userSection(act.user),
    project: projectSection(world, project),
    object_attributes: {
      ...attributes(world, mergeRequest),
      labels,
      action: act.action,
      actioned_at: hookTime(world.clock.now()),
      system: act.systemAction !== undefined,
      ...(act.systemAction === undefined ? {} : { system_action: act.systemAction }),
      ...(act.oldrev === undefined ? {} : { oldrev: act.oldrev }),
    },
    labels,
    changes: act.changes ?? {},
    repository: projectSection(world, project),
    assignees: assignees.map(userSection),
    reviewers: reviewers.map(({ user, state }) => ({
      ...userSection(user),
      state,
      re_requested: false,
    })),
  };
  return { head: headOf(mergeRequest), body: structuredClone(body) };
}

/** What merge request, note and pipeline events say of a merge request. */
export function attributes(world: World, mergeRequest: MergeRequest) {
  const { project, sourceProject, assignees, reviewers } = mergeRequest;
  const { preparing, checking } = mergeRequest.unsettledReads;
  const status = preparing > 0 ? 'preparing' : checking > 0 ? 'checking' : 'mergeable';
  return {
    author_id: mergeRequest.author.id,
    created_at: hookTime(mergeRequest.createdAt),
    description: mergeRequest.description ?? '',
    draft: isDraft(mergeRequest),
    work_in_progress: isDraft(mergeRequest),
    head_pipeline_id: headPipeline(world, mergeRequest)?.id ?? null,
    id: mergeRequest.id,
    iid: mergeRequest.iid,
    last_edited_at: null,
    last_edited_by_id: null,
    merge_commit_sha: mergeRequest.mergeCommit ?? null,
    merge_error: mergeRequest.mergeError ?? null,
    merge_params: { force_remove_source_branch: mergeRequest.removeSourceBranch ? '1' : '0' },
    merge_status: status === 'mergeable' ? 'can_be_merged' : status,
    merge_user_id: mergeRequest.mergeUser?.id ?? null,
    merge_when_pipeline_succeeds: false,
    milestone_id: null,
    source_branch: mergeRequest.sourceBranch,
    source_project_id: sourceProject.id,
    state_id: STATE_IDS[mergeRequest.state],
    state: mergeRequest.state,
    target_branch: mergeRequest.targetBranch,
    target_project_id: project.id,
    time_estimate: 0,
    time_change: 0,
    total_time_spent: 0,
    human_time_change: null,
    human_time_estimate: null,
    human_total_time_spent: null,
    title: mergeRequest.title,
    updated_at: hookTime(mergeRequest.updatedAt),
    updated_by_id: null,
    prepared_at: hookTimeOrNull(mergeRequest.preparedAt),
    assignee_id: assignees[0]?.id ?? null,
    assignee_ids: assignees.map(({ id }) => id),
    reviewer_ids: reviewers.map(({ user }) => user.id),
    blocking_discussions_resolved: discussionsResolved(mergeRequest),
    detailed_merge_status: status,
    first_contribution: false,
    source: projectSection(world, sourceProject),
    target: projectSection(world, project),
    url: `${world.url}/${project.path}/-/merge_requests/${mergeRequest.iid}`,
    ...(isPremium(world) ? { approval_rules: approvalRules(mergeRequest) } : {}),
  };
}

function approvalRules(mergeRequest: MergeRequest) {
  return rulesOf(mergeRequest).map((rule) => ({
    id: rule.id,
    approvals_required: rule.approvalsRequired,
    name: rule.name,
    rule_type: rule.type,
    report_type: null,
    merge_request_id: mergeRequest.id,
    section: null,
    project_id: mergeRequest.project.id,
    modified_from_project_rule: mergeRequest.approvalRules.length > 0,
  }));
}
