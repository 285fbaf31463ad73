import { projectLevel } from './access.ts';
import { tellMergeRequest } from './events/merge-request-event.ts';
import { branchHead } from './git/read.ts';
import { ensureLabels } from './noteables.ts';
import { forbidden, invalidRecord } from './problem.ts';
import type { MergeRequest, Project, User } from './records.ts';
import { recordVersion } from './versions.ts';
import { gitOf, type World } from './world.ts';

export interface NewMergeRequest {
  readonly author: User;
  readonly sourceProject: Project;
  readonly sourceBranch: string;
  readonly targetBranch: string;
  readonly title: string;
  readonly description?: string | undefined;
  readonly labels?: readonly string[];
  readonly assignees?: readonly User[];
  readonly reviewers?: readonly User[];
  readonly squash?: boolean | undefined;
  readonly removeSourceBranch?: boolean | undefined;
}

/** Opens a merge request on `project`; one per pair of branches may be open at a time. */
export async function createMergeRequest(
  world: World,
  project: Project,
  {
    author,
    sourceProject,
    sourceBranch,
    targetBranch,
    title,
    description,
    labels = [],
    assignees = [],
    reviewers = [],
    squash,
    removeSourceBranch,
  }: NewMergeRequest,
): Promise<MergeRequest> {
  if (
    projectLevel(world, sourceProject, author) < 30 ||
    projectLevel(world, project, author) < 20
  ) {
    throw forbidden();
  }
  await validate(world, project, { sourceProject, sourceBranch, targetBranch, title });
  const now = world.clock.now();
  ensureLabels(world, project, labels);
  const { state, behaviour } = world;
  const draft: MergeRequest = {
    kind: 'merge_request',
    id: state.nextId('merge_request'),
    iid: state.nextId('merge_request iid', project.id),
    project,
    author,
    title,
    description,
    labels: [...new Set(labels)].sort(),
    assignees: [...assignees],
    createdAt: now,
    updatedAt: now,
    discussions: [],
    awards: [],
    state: 'opened',
    sourceProject,
    sourceBranch,
    targetBranch,
    squash: squash ?? ['default_on', 'always'].includes(project.settings.squash),
    removeSourceBranch: removeSourceBranch ?? project.settings.removeSourceBranchAfterMerge,
    reviewers: reviewers.map((user) => ({ user, state: 'unreviewed', createdAt: now })),
    approvals: [],
    pendingResets: 0,
    versions: [],
    unsettledReads: { preparing: behaviour.preparingReads, checking: behaviour.checkingReads },
    preparedAt: now,
    mergedAt: undefined,
    mergeUser: undefined,
    mergeCommit: undefined,
    squashCommit: undefined,
    mergeError: undefined,
    closedAt: undefined,
    closedBy: undefined,
    approvalRules: [],
  };
  await recordVersion(world, draft);
  state.mergeRequests.push(draft);
  tellMergeRequest(world, draft, { action: 'open', user: author });
  return draft;
}

async function validate(
  world: World,
  project: Project,
  {
    sourceProject,
    sourceBranch,
    targetBranch,
    title,
  }: { sourceProject: Project; sourceBranch: string; targetBranch: string; title: string },
): Promise<void> {
  if (title.trim() === '') {
    throw invalidRecord(400, { title: ["can't be blank"] });
  }
  if (sourceProject === project && sourceBranch === targetBranch) {
    throw invalidRecord(400, {
      branch_conflict: ["You can't use same project/branch for source and target"],
    });
  }
  const [source, target] = await Promise.all([
    branchHead(gitOf(world, sourceProject), sourceBranch),
    branchHead(gitOf(world, project), targetBranch),
  ]);
  if (source === undefined) {
    throw invalidRecord(400, { source_branch: ['does not exist'] });
  }
  if (target === undefined) {
    throw invalidRecord(400, { target_branch: ['does not exist'] });
  }
  const twin = world.state.mergeRequests.find(
    (other) =>
      other.state === 'opened' &&
      other.project === project &&
      other.sourceProject === sourceProject &&
      other.sourceBranch === sourceBranch &&
      other.targetBranch === targetBranch,
  );
  if (twin !== undefined) {
    throw invalidRecord(409, [
      `Another open merge request already exists for this source branch: !${twin.iid}`,
    ]);
  }
}
