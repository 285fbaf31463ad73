/**
 * What the server remembers, as plain records. Ids are numbers from one sequence per kind; times are Dates of the
 * server's clock. Renderers in entities/ turn a record into what the API answers, events/ into what a hook receives.
 */

export type Scope =
  | 'api'
  | 'read_api'
  | 'read_user'
  | 'read_repository'
  | 'write_repository'
  | 'self_rotate';

export interface User {
  readonly id: number;
  username: string;
  name: string;
  email: string;
  state: 'active' | 'blocked' | 'deactivated';
  /** True for service accounts and for the users that project and group tokens make. */
  readonly bot: boolean;
  readonly createdAt: Date;
}

export interface AccessToken {
  readonly id: number;
  readonly value: string;
  readonly name: string;
  readonly user: User;
  readonly scopes: readonly Scope[];
  readonly createdAt: Date;
  expiresAt: Date | undefined;
  revoked: boolean;
  lastUsedAt: Date | undefined;
  /** Shared by a token and all that it was rotated into: using a rotated one revokes them all. */
  readonly family: number;
  /** Set for the token of a project or group; undefined for a person's or a service account's own. */
  readonly resource: { readonly kind: 'project' | 'group'; readonly id: number } | undefined;
}

/** GitLab's numbers: 10 guest, 15 planner, 20 reporter, 30 developer, 40 maintainer, 50 owner. */
export type AccessLevel = 10 | 15 | 20 | 30 | 40 | 50;

export interface Membership {
  level: AccessLevel;
  readonly createdAt: Date;
  expiresAt: Date | undefined;
}

export interface Group {
  readonly id: number;
  /** The full path, such as `platform/tools`. */
  path: string;
  name: string;
  readonly parent: Group | undefined;
  /** By user id. */
  readonly members: Map<number, Membership>;
  readonly createdAt: Date;
}

export type MergeMethod = 'merge' | 'rebase_merge' | 'ff';

export interface ProjectSettings {
  mergeMethod: MergeMethod;
  squash: 'never' | 'default_off' | 'default_on' | 'always';
  removeSourceBranchAfterMerge: boolean;
  onlyAllowMergeIfPipelineSucceeds: boolean;
  allowMergeOnSkippedPipeline: boolean;
  onlyAllowMergeIfAllDiscussionsAreResolved: boolean;
  /** Premium: a push takes back the votes that it did not see. */
  resetApprovalsOnPush: boolean;
  /** Premium: whether the author may vote. On Free the author always may. */
  authorApproval: boolean;
  /** Premium: whether those who committed may vote. */
  committersApproval: boolean;
}

export interface ApprovalRule {
  readonly id: number;
  name: string;
  type: 'any_approver' | 'regular' | 'code_owner';
  approvalsRequired: number;
  users: User[];
  groups: Group[];
}

export interface ProtectedBranch {
  readonly id: number;
  readonly name: string;
  /** 0: nobody. */
  pushLevel: AccessLevel | 0;
  mergeLevel: AccessLevel | 0;
  allowForcePush: boolean;
  codeOwnerApprovalRequired: boolean;
}

export interface Project {
  readonly id: number;
  /** The full path, such as `platform/shop`. */
  path: string;
  name: string;
  description: string | undefined;
  group: Group;
  visibility: 'private' | 'internal' | 'public';
  /** The bare repository. */
  readonly dir: string;
  defaultBranch: string;
  /** False until the first push; GitLab then has no default branch to name. */
  hasCode: boolean;
  archived: boolean;
  topics: string[];
  readonly createdAt: Date;
  /** GitLab moves this only when it is older than an hour; so does the server. */
  lastActivityAt: Date;
  readonly settings: ProjectSettings;
  readonly members: Map<number, Membership>;
  readonly protectedBranches: ProtectedBranch[];
  readonly approvalRules: ApprovalRule[];
  readonly labels: Label[];
  readonly forkedFrom: Project | undefined;
  /** Paths that it had before: GET is answered with a redirect. */
  readonly formerPaths: Set<string>;
}

export interface Label {
  readonly id: number;
  name: string;
  color: string;
  description: string | undefined;
  readonly createdAt: Date;
}

export interface Award {
  readonly id: number;
  readonly name: string;
  readonly user: User;
  readonly createdAt: Date;
}

export interface Note {
  readonly id: number;
  body: string;
  readonly author: User;
  readonly createdAt: Date;
  updatedAt: Date;
  readonly system: boolean;
  readonly internal: boolean;
  readonly position: DiffPosition | undefined;
  readonly awards: Award[];
}

export interface DiffPosition {
  readonly base_sha: string;
  readonly start_sha: string;
  readonly head_sha: string;
  readonly old_path: string;
  readonly new_path: string;
  readonly position_type: string;
  readonly old_line: number | null;
  readonly new_line: number | null;
}

export interface Discussion {
  /** 40 hexadecimal digits. */
  readonly id: string;
  /** A lone note is a discussion too; it cannot be resolved. */
  readonly individual: boolean;
  readonly notes: Note[];
  resolvedBy: User | undefined;
  resolvedAt: Date | undefined;
}

/** What notes, labels and emojis are put on. */
export interface Noteable {
  readonly id: number;
  readonly iid: number;
  readonly project: Project;
  readonly author: User;
  title: string;
  description: string | undefined;
  labels: string[];
  assignees: User[];
  readonly createdAt: Date;
  updatedAt: Date;
  readonly discussions: Discussion[];
  readonly awards: Award[];
}

/** Who put a label on, or took it off. */
export interface LabelEvent {
  readonly id: number;
  readonly user: User;
  readonly label: string;
  readonly action: 'add' | 'remove';
  readonly at: Date;
}

export interface Issue extends Noteable {
  readonly kind: 'issue';
  readonly labelEvents: LabelEvent[];
  state: 'opened' | 'closed';
  confidential: boolean;
  closedAt: Date | undefined;
  closedBy: User | undefined;
}

export type ReviewState = 'unreviewed' | 'reviewed' | 'requested_changes' | 'approved';

export interface Reviewer {
  readonly user: User;
  state: ReviewState;
  readonly createdAt: Date;
}

export interface Approval {
  readonly user: User;
  readonly at: Date;
}

/** One state of the source branch; GitLab calls it a diff version. */
export interface Version {
  readonly id: number;
  readonly head: string;
  /** The merge base with the target branch. */
  readonly base: string;
  /** The head of the target branch at the time. */
  readonly start: string;
  readonly createdAt: Date;
}

export interface MergeRequest extends Noteable {
  readonly kind: 'merge_request';
  state: 'opened' | 'closed' | 'merged' | 'locked';
  readonly sourceProject: Project;
  readonly sourceBranch: string;
  targetBranch: string;
  squash: boolean;
  removeSourceBranch: boolean;
  reviewers: Reviewer[];
  approvals: Approval[];
  /** Pushes whose voided votes are still to be taken back; above 0 GitLab says `approvals_syncing`. */
  pendingResets: number;
  /** Oldest first; never empty. */
  readonly versions: Version[];
  /** How many reads will still answer `preparing`, then `checking`. */
  unsettledReads: { preparing: number; checking: number };
  preparedAt: Date;
  mergedAt: Date | undefined;
  mergeUser: User | undefined;
  mergeCommit: string | undefined;
  squashCommit: string | undefined;
  mergeError: string | undefined;
  closedAt: Date | undefined;
  closedBy: User | undefined;
  /** Its own rules replace the project's when it has any. */
  readonly approvalRules: ApprovalRule[];
}

export interface RefChange {
  /** The whole name: `refs/heads/main`. */
  readonly ref: string;
  readonly from: string | undefined;
  readonly to: string | undefined;
}

export interface Push {
  readonly id: number;
  readonly project: Project;
  readonly user: User;
  readonly at: Date;
  readonly change: RefChange;
}
