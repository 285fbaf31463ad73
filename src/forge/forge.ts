import type { Readable } from 'node:stream';

/** A repository as its forge knows it. `location` is an absolute path (local) or a project id (GitLab). */
export interface ForgeRepo {
  readonly id: number;
  /** Where it is; default: on this machine. */
  readonly forge?: 'local' | 'gitlab';
  readonly path: string;
  readonly location: string;
  /** The default branch, fixed at registration: never HEAD. */
  readonly branch: string;
  /** Somebody said that it moved: no answer from memory. */
  readonly dirtyAt?: string | null;
}

/** One file read at a commit. `mode` is git's (100644, 100755, 120000, 160000). */
export interface ForgeFile {
  readonly blob: string;
  readonly mode: string;
  readonly size: number;
  /** Undefined when the file is larger than the `maxBytes` that was asked for. */
  readonly content: Buffer | undefined;
}

export interface ForgeCommit {
  readonly sha: string;
  readonly authorName: string;
  readonly authorEmail: string;
  readonly committedAt: Date;
  readonly subject: string;
}

/** What became of a branch that carries a merge request. */
export type BranchOutcome =
  | { readonly state: 'open'; readonly head: string }
  /** `commit` is the one on the default branch that brought the work. `by` names how it was seen: an ancestor of the default branch, or the same patch on it (squash). */
  | { readonly state: 'merged'; readonly commit: string; readonly by: 'ancestor' | 'squash' }
  | { readonly state: 'closed' };

export interface PublishedBranch {
  /** The full name without `refs/heads/`; differs from the one asked for when that was checked out there. */
  readonly branch: string;
  readonly head: string;
  /** A sentence for people when the name had to change. */
  readonly note: string | undefined;
}

export type MergeOutcome = {
  readonly commit: string;
  /**
   * Where the merge was made: in the repository alone, in the working copy that has the branch checked out, or by the
   * forge itself.
   */
  readonly where: 'refs' | 'working_copy' | 'forge';
};

/**
 * The place that holds the repositories. Reads are blobs and commits by sha; "could not read" is thrown as
 * SOURCE_UNREADABLE, UNAVAILABLE or FORGE_* and never looks like "is absent".
 */
export interface Forge {
  /** Heads of the default branches, compared in one pass; a repository that could not be read maps to the error. */
  readHeads(repos: readonly ForgeRepo[], signal: AbortSignal): Promise<Map<number, string | Error>>;
  /** Undefined when the commit is readable and has no such file. */
  readFile(
    repo: ForgeRepo,
    at: { commit: string; path: string; maxBytes: number },
    signal: AbortSignal,
  ): Promise<ForgeFile | undefined>;
  readCommit(repo: ForgeRepo, commit: string, signal: AbortSignal): Promise<ForgeCommit>;
  /** Paths that differ between two commits, both sides of renames; the whole tree when `from` is undefined. */
  changedPaths(
    repo: ForgeRepo,
    range: { from: string | undefined; to: string },
    signal: AbortSignal,
  ): Promise<string[]>;
  /** Brings every branch of the repository into the bare mirror at `mirror`, making it where it is missing. */
  fetchMirror(repo: ForgeRepo, mirror: string, signal: AbortSignal): Promise<void>;
  /**
   * Puts the one commit of `bundle` on `branch` (below `autodev/`). Refused with BRANCH_MOVED when the branch is
   * there with another head than `expected` (undefined: must not exist, or already be at the bundle's head).
   */
  publishBranch(
    repo: ForgeRepo,
    options: { branch: string; bundle: Readable; head: string; expected: string | undefined },
    signal: AbortSignal,
  ): Promise<PublishedBranch>;
  /** `base` is the commit the branch began at, `head` the one that we published last. */
  observeBranch(
    repo: ForgeRepo,
    options: { branch: string; base: string; head: string },
    signal: AbortSignal,
  ): Promise<BranchOutcome>;
  /** Merges `head` into the default branch; WORKING_COPY_DIRTY or CONFLICT carry the exact command as remedy. */
  merge(
    repo: ForgeRepo,
    options: { branch: string; head: string; message: string },
    signal: AbortSignal,
  ): Promise<MergeOutcome>;
  /** Deletes a merged branch of ours; one that moved since `head` stays. */
  deleteBranch(
    repo: ForgeRepo,
    options: { branch: string; head: string },
    signal: AbortSignal,
  ): Promise<void>;
}
