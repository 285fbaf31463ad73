import { projectOf } from '../access.ts';
import { isApproved, mayApprove, rulesOf, ruleStates } from '../approvals.ts';
import { approvalsEntity } from '../entities/merge-request.ts';
import { userEntity } from '../entities/user.ts';
import { tellMergeRequest } from '../events/merge-request-event.ts';
import { mergeRequestOf, usersByIds } from '../noteables.ts';
import { addSystemNote } from '../notes.ts';
import { page } from '../paging.ts';
import { unauthorized } from '../problem.ts';
import type { ApprovalRule, MergeRequest, Project } from '../records.ts';
import type { Call, Reply, Route } from '../route.ts';
import { findGroup } from '../state.ts';
import { isPremium } from '../world.ts';
import { requireHead } from './merging.ts';

const ONE = '/projects/{id}/merge_requests/{merge_request_iid}';
const RULE_PARAMETERS = [
  'name',
  'approvals_required',
  'rule_type',
  'user_ids',
  'group_ids',
  'usernames',
  'approval_project_rule_id',
  'applies_to_all_protected_branches',
  'protected_branch_ids',
];

async function approve(call: Call): Promise<Reply> {
  const { world, user } = call;
  const mergeRequest = mergeRequestOf(call);
  if (!(await mayApprove(world, mergeRequest, user))) {
    throw unauthorized();
  }
  requireHead(call, mergeRequest);
  mergeRequest.approvals.push({ user, at: world.clock.now() });
  setReviewState(mergeRequest, call, 'approved');
  mergeRequest.updatedAt = world.clock.now();
  addSystemNote(world, mergeRequest, { author: user, body: 'approved this merge request' });
  // `approval` is one vote while rules are still open, `approved` the one that met the last of them.
  const action = !isPremium(world) || isApproved(world, mergeRequest) ? 'approved' : 'approval';
  tellMergeRequest(world, mergeRequest, { action, user });
  return { status: 201, body: await approvalsEntity(world, mergeRequest, user) };
}

async function unapprove(call: Call): Promise<Reply> {
  const { world, user } = call;
  const mergeRequest = mergeRequestOf(call);
  if (!mergeRequest.approvals.some((approval) => approval.user === user)) {
    throw unauthorized();
  }
  const wasApproved = isApproved(world, mergeRequest);
  mergeRequest.approvals = mergeRequest.approvals.filter((approval) => approval.user !== user);
  setReviewState(mergeRequest, call, 'unreviewed');
  mergeRequest.updatedAt = world.clock.now();
  addSystemNote(world, mergeRequest, { author: user, body: 'unapproved this merge request' });
  const action = wasApproved && !isApproved(world, mergeRequest) ? 'unapproved' : 'unapproval';
  tellMergeRequest(world, mergeRequest, { action, user });
  return { status: 201, body: await approvalsEntity(world, mergeRequest, user) };
}

function setReviewState(
  mergeRequest: MergeRequest,
  { user, world }: Call,
  state: 'approved' | 'unreviewed',
): void {
  const reviewer = mergeRequest.reviewers.find((one) => one.user === user);
  if (reviewer) {
    reviewer.state = state;
  } else if (state === 'approved') {
    // Who votes becomes a reviewer.
    mergeRequest.reviewers.push({ user, state, createdAt: world.clock.now() });
  }
}

function addRule(call: Call, { rules }: { rules: ApprovalRule[] }): Reply {
  const { world, params } = call;
  const rule: ApprovalRule = {
    id: world.state.nextId('approval rule'),
    name: params.requiredText('name'),
    type: params.oneOf('rule_type', ['any_approver', 'regular']) ?? 'regular',
    approvalsRequired: params.integer('approvals_required') ?? 0,
    users: usersByIds(world, params.integers('user_ids') ?? []),
    groups: (params.list('group_ids') ?? []).flatMap((id) => findGroup(world.state, id) ?? []),
  };
  rules.push(rule);
  return { status: 201, body: ruleEntity(call, rule) };
}

function ruleEntity({ world }: Call, rule: ApprovalRule) {
  return {
    id: rule.id,
    name: rule.name,
    rule_type: rule.type,
    approvals_required: rule.approvalsRequired,
    users: rule.users.map((user) => userEntity(world, user)),
    groups: rule.groups.map(({ id, name, path }) => ({ id, name, full_path: path })),
    contains_hidden_groups: false,
    report_type: null,
  };
}

function configurationEntity({ settings }: Project) {
  return {
    approvals_before_merge: 0,
    reset_approvals_on_push: settings.resetApprovalsOnPush,
    selective_code_owner_removals: false,
    disable_overriding_approvers_per_merge_request: false,
    merge_requests_author_approval: settings.authorApproval,
    merge_requests_disable_committers_approval: !settings.committersApproval,
    require_password_to_approve: false,
  };
}

/** Votes. Free has them without rules; Premium's rules and their state are not even routes there. */
export const approvalRoutes: readonly Route[] = [
  {
    method: 'GET',
    path: `${ONE}/approvals`,
    returns: 'MergeRequestApprovals',
    handle: async (call) => ({
      body: await approvalsEntity(call.world, mergeRequestOf(call), call.user),
    }),
  },
  { method: 'POST', path: `${ONE}/approve`, returns: 'MergeRequestApprovals', handle: approve },
  { method: 'POST', path: `${ONE}/unapprove`, parameters: [], handle: unapprove },
  {
    method: 'PUT',
    path: `${ONE}/reset_approvals`,
    handle(call) {
      const mergeRequest = mergeRequestOf(call);
      if (!call.user.bot) {
        throw unauthorized();
      }
      mergeRequest.approvals = [];
      return { status: 202 };
    },
  },
  {
    method: 'GET',
    path: `${ONE}/approval_state`,
    premium: true,
    handle(call) {
      const { world } = call;
      const mergeRequest = mergeRequestOf(call);
      return {
        body: {
          approval_rules_overwritten: mergeRequest.approvalRules.length > 0,
          rules: ruleStates(world, mergeRequest).map(
            ({ rule, eligible, approvedBy, approved }) => ({
              ...ruleEntity(call, rule),
              eligible_approvers: eligible.map((user) => userEntity(world, user)),
              section: null,
              source_rule: null,
              overridden: mergeRequest.approvalRules.length > 0,
              code_owner: rule.type === 'code_owner',
              approved_by: approvedBy.map((user) => userEntity(world, user)),
              approved,
            }),
          ),
        },
      };
    },
  },
  {
    method: 'GET',
    path: '/projects/{id}/approvals',
    premium: true,
    parameters: [],
    handle: (call) => ({ body: configurationEntity(projectOf(call)) }),
  },
  {
    method: 'GET',
    path: '/projects/{id}/approval_rules',
    premium: true,
    parameters: ['page', 'per_page'],
    handle: (call) => page(call, projectOf(call).approvalRules, (rule) => ruleEntity(call, rule)),
  },
  {
    method: 'POST',
    path: '/projects/{id}/approval_rules',
    premium: true,
    parameters: RULE_PARAMETERS,
    handle: (call) => addRule(call, { rules: projectOf(call, 40).approvalRules }),
  },
  {
    method: 'GET',
    path: `${ONE}/approval_rules`,
    premium: true,
    parameters: ['page', 'per_page'],
    handle: (call) => page(call, rulesOf(mergeRequestOf(call)), (rule) => ruleEntity(call, rule)),
  },
  {
    method: 'POST',
    path: `${ONE}/approval_rules`,
    premium: true,
    parameters: RULE_PARAMETERS,
    handle: (call) => addRule(call, { rules: mergeRequestOf(call, 30).approvalRules }),
  },
];
