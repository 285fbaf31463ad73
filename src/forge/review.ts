import type { ForgeRepo } from './forge.ts';

/** A merge request as its forge has it now. People are named by the forge's ids. */
export interface ReviewedMergeRequest {
  readonly number: number;
  readonly state: 'open' | 'merged' | 'closed';
  readonly draft: boolean;
  readonly title: string;
  readonly author: { readonly id: string; readonly username: string };
  readonly source: string;
  /** The source branch is one of this repository, not of a fork. */
  readonly fromHere: boolean;
  readonly target: string;
  /** Undefined while the forge still prepares it. */
  readonly head: string | undefined;
  /** Where source and target part; undefined while the forge still prepares it. */
  readonly base: string | undefined;
  /** The commit on the target that brought the work. */
  readonly mergedCommit: string | undefined;
  readonly mergedBy: { readonly id: string; readonly username: string } | undefined;
  readonly mergedAt: Date | undefined;
  readonly updatedAt: Date;
}

/**
 * What is terminal: a commit is never left `running` by us, and never `pending`, which GitLab lets nothing follow.
 */
export interface CommitStatus {
  readonly commit: string;
  /** `autodev/config`: one status a name and commit. */
  readonly name: string;
  readonly state: 'success' | 'failed';
  /** At most 140 characters; longer ones are cut. */
  readonly description: string;
  /** The branch that the commit is the head of; for where it has no pipeline yet. */
  readonly branch: string;
}

/** What became of something that is kept equal to a wish. */
export type Kept = 'created' | 'edited' | 'unchanged';

/**
 * The people's side of a forge: merge requests, notes, issues, statuses. A repository of this machine has none of it.
 *
 * `keep…` brings one thing to what is wished, creating it where it is missing: the thing is found by our own author id
 * and `marker`, an HTML comment, so that a marker which somebody copied leads nowhere. Not safe against another one
 * that keeps the same thing at the same time: the caller sees to that. What could not be read or written is thrown as
 * FORGE_*; FORGE_NOT_FOUND for a merge request that is not there.
 */
export interface ReviewForge {
  readMergeRequest(
    repo: ForgeRepo,
    number: number,
    signal: AbortSignal,
  ): Promise<ReviewedMergeRequest>;
  /** Those that lead to the default branch, newest first, 100 at most; `base` of them is not known. */
  listMergeRequests(
    repo: ForgeRepo,
    options: { state: 'open' | 'merged'; updatedAfter?: Date; source?: string },
    signal: AbortSignal,
  ): Promise<ReviewedMergeRequest[]>;
  keepNote(
    repo: ForgeRepo,
    note: { mergeRequest: number; marker: string; body: string },
    signal: AbortSignal,
  ): Promise<Kept>;
  /** With `open: false` an issue that is open is closed, and none is made. `number` is undefined when there is none. */
  keepIssue(
    repo: ForgeRepo,
    issue: { marker: string; title: string; body: string; open: boolean },
    signal: AbortSignal,
  ): Promise<{ number: number | undefined; kept: Kept }>;
  keepStatus(repo: ForgeRepo, status: CommitStatus, signal: AbortSignal): Promise<Kept>;
  /**
   * Brings `branch` (below `autodev/`) to hold `content` at `path`, as one commit on top of `base` where the branch is
   * not there. On a branch that is there only a file that we wrote is changed: `expected` is what it must hold, or
   * BRANCH_MOVED.
   */
  keepFile(
    repo: ForgeRepo,
    file: {
      branch: string;
      base: string;
      path: string;
      content: string;
      expected: string | undefined;
      message: string;
    },
    signal: AbortSignal,
  ): Promise<Kept>;
  /** Finds the open merge request of ours from `source` with `marker` in its description, or opens one. */
  keepMergeRequest(
    repo: ForgeRepo,
    request: { source: string; marker: string; title: string; description: string },
    signal: AbortSignal,
  ): Promise<{ number: number; kept: Kept }>;
}
