/** Somebody as the forge knows them. */
export interface ForgePerson {
  readonly id: number;
  readonly username: string;
}

/** A merge request as the forge has it. */
export interface ForgeMergeRequest {
  /** What people write after `!`. */
  readonly number: number;
  readonly state: 'opened' | 'closed' | 'merged' | 'locked';
  readonly draft: boolean;
  readonly title: string;
  readonly description: string;
  readonly sourceBranch: string;
  readonly targetBranch: string;
  /** The source branch is of another project. */
  readonly isFork: boolean;
  /** Undefined before GitLab has looked at the branch, and when it is gone. Frozen by a merge. */
  readonly head: string | undefined;
  /** The commits that a line comment's position names. */
  readonly diff:
    | { readonly base: string; readonly start: string; readonly head: string }
    | undefined;
  readonly author: ForgePerson;
  readonly labels: readonly string[];
  readonly reviewers: readonly ForgePerson[];
  /** GitLab's `detailed_merge_status`: only the first check that fails. */
  readonly mergeStatus: string;
  readonly hasConflicts: boolean;
  /** The newest pipeline of the head. */
  readonly pipeline:
    | { readonly id: number; readonly status: string; readonly sha: string }
    | undefined;
  readonly mergedBy: ForgePerson | undefined;
  readonly mergedAt: Date | undefined;
  /** The commit on the target branch that brought the work, however it was merged. */
  readonly mergedCommit: string | undefined;
  readonly closedBy: ForgePerson | undefined;
  readonly updatedAt: Date;
  readonly webUrl: string;
}

/** When a head appeared. */
export interface ForgeVersion {
  readonly head: string;
  readonly createdAt: Date;
}

export interface ForgeNote {
  readonly id: number;
  readonly author: ForgePerson;
  readonly body: string;
  readonly system: boolean;
  readonly createdAt: Date;
  /** Later than `createdAt`: the note was edited. */
  readonly updatedAt: Date;
}

/** What a note stands below. */
export interface NoteTarget {
  readonly kind: 'merge_request' | 'issue';
  readonly number: number;
}
