import { groupMembers, projectLevel } from './access.ts';
import { branchHead, listCommits } from './git/read.ts';
import { headOf } from './heads.ts';
import type { ApprovalRule, MergeRequest, User } from './records.ts';
import { gitOf, isPremium, type World } from './world.ts';

/** A rule with what is known of its votes now. */
export interface RuleState {
  readonly rule: ApprovalRule;
  readonly eligible: readonly User[];
  readonly approvedBy: readonly User[];
  readonly approved: boolean;
}

const ANYBODY: Omit<ApprovalRule, 'id'> = {
  name: 'All Members',
  type: 'any_approver',
  approvalsRequired: 0,
  users: [],
  groups: [],
};

/** The rules that hold for a merge request: its own, else its project's, else the one that asks for nobody. */
export function rulesOf(mergeRequest: MergeRequest): readonly ApprovalRule[] {
  const own = mergeRequest.approvalRules;
  const rules = own.length > 0 ? own : mergeRequest.project.approvalRules;
  return rules.length > 0 ? rules : [{ id: 0, ...ANYBODY }];
}

export function ruleStates(world: World, mergeRequest: MergeRequest): RuleState[] {
  const voters = mergeRequest.approvals.map(({ user }) => user);
  return rulesOf(mergeRequest).map((rule) => {
    const eligible = eligibleFor(world, rule);
    const approvedBy =
      rule.type === 'any_approver' ? voters : voters.filter((user) => eligible.includes(user));
    return { rule, eligible, approvedBy, approved: approvedBy.length >= rule.approvalsRequired };
  });
}

/**
 * Free: somebody voted, whoever it was; nothing is ever required. Premium: every rule is met, which a project
 * without rules is with no vote at all.
 */
export function isApproved(world: World, mergeRequest: MergeRequest): boolean {
  return isPremium(world)
    ? mergeRequest.pendingResets === 0 &&
        ruleStates(world, mergeRequest).every(({ approved }) => approved)
    : mergeRequest.approvals.length > 0;
}

export function approvalsRequired(world: World, mergeRequest: MergeRequest): number {
  return isPremium(world)
    ? Math.max(0, ...rulesOf(mergeRequest).map((rule) => rule.approvalsRequired))
    : 0;
}

export function approvalsLeft(world: World, mergeRequest: MergeRequest): number {
  return Math.max(
    0,
    ...ruleStates(world, mergeRequest).map(
      ({ rule, approvedBy }) => rule.approvalsRequired - approvedBy.length,
    ),
  );
}

/** On Free everybody who may change the merge request, its author too; on Premium the project's settings say more. */
export async function mayApprove(
  world: World,
  mergeRequest: MergeRequest,
  user: User,
): Promise<boolean> {
  const { project, author, approvals } = mergeRequest;
  if (mergeRequest.state !== 'opened' || approvals.some((approval) => approval.user === user)) {
    return false;
  }
  if (projectLevel(world, project, user) < 30) {
    return false;
  }
  if (!isPremium(world)) {
    return true;
  }
  if (user === author && !project.settings.authorApproval) {
    return false;
  }
  return project.settings.committersApproval || !(await hasCommitted(world, mergeRequest, user));
}

async function hasCommitted(
  world: World,
  mergeRequest: MergeRequest,
  user: User,
): Promise<boolean> {
  const git = gitOf(world, mergeRequest.project);
  const target = await branchHead(git, mergeRequest.targetBranch);
  const commits = await listCommits(git, [
    headOf(mergeRequest),
    ...(target === undefined ? [] : [`^${target}`]),
  ]);
  return commits.some(({ committerEmail }) => committerEmail === user.email);
}

function eligibleFor({ state }: World, rule: ApprovalRule): User[] {
  const ids = new Set([
    ...rule.users.map(({ id }) => id),
    ...rule.groups.flatMap((group) => [...groupMembers(group).keys()]),
  ]);
  return [...ids].flatMap((id) => state.users.get(id) ?? []);
}
