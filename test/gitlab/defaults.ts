import type { ProjectSettings, ProtectedBranch, User } from './records.ts';

/** Who a first commit is by when the project has no member yet. */
export const SOMEBODY: User = {
  id: 0,
  username: 'somebody',
  name: 'Somebody',
  email: 'somebody@example.org',
  state: 'active',
  bot: false,
  createdAt: new Date(0),
};

/** GitLab's defaults for a new project. */
export const SETTINGS: ProjectSettings = {
  mergeMethod: 'merge',
  squash: 'default_off',
  removeSourceBranchAfterMerge: true,
  onlyAllowMergeIfPipelineSucceeds: false,
  allowMergeOnSkippedPipeline: false,
  onlyAllowMergeIfAllDiscussionsAreResolved: false,
  resetApprovalsOnPush: true,
  authorApproval: false,
  committersApproval: true,
};

/** What GitLab does to a default branch: maintainers push and merge, nobody rewinds it. */
export function protection(id: number, name: string): ProtectedBranch {
  return {
    id,
    name,
    pushLevel: 40,
    mergeLevel: 40,
    allowForcePush: false,
    codeOwnerApprovalRequired: false,
  };
}

/** `first-steps` is called "First Steps". */
export function titled(word: string): string {
  return word
    .split(/[-_]/)
    .map((piece) => piece.charAt(0).toUpperCase() + piece.slice(1))
    .join(' ');
}
