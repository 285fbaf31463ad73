import type { ForgeRepo } from './forge.ts';
import type { ForgeMergeRequest, NoteTarget } from './tracker.ts';

/** What we say of a commit. Never `pending`, which GitLab lets nothing follow, and always how it ended. */
export interface StatusWish {
  /** `autodev/config`: one status a name and commit. */
  readonly name: string;
  readonly state: 'success' | 'failed';
  /** One line; GitLab shows the first 255 characters. */
  readonly description: string;
  /** The branch of the commit, for where it has no pipeline yet. */
  readonly branch: string;
}

/** An issue of ours, as far as it is kept. */
interface OwnIssue {
  readonly number: number;
  readonly open: boolean;
}

interface IssueWish {
  readonly marker: string;
  readonly title: string;
  readonly description: string;
  readonly labels: readonly string[];
  /** No issue with this marker is older. */
  readonly since: Date;
}

/**
 * The people's side of a forge: merge requests, notes, issues, statuses. A repository of this machine has none of it.
 *
 * `put…` brings one thing to what is wished, making it where it is missing. It is found by our own author id and by
 * `marker` (`[\w.:/-]+`) in its first line, so that one which somebody copied leads nowhere. Not safe against another
 * one that puts the same thing at the same time: the caller sees to that. What could not be read or written is thrown
 * as FORGE_*; FORGE_NOT_FOUND for what is not there.
 */
export interface ReviewForge {
  getMergeRequest(repo: ForgeRepo, number: number, signal: AbortSignal): Promise<ForgeMergeRequest>;
  /** Those that lead to the default branch, the newest act first, 100 at most; `diff` of them is not known. */
  listMergeRequests(
    repo: ForgeRepo,
    options: { state: 'opened' | 'merged'; updatedAfter?: Date },
    signal: AbortSignal,
  ): Promise<ForgeMergeRequest[]>;
  putNote(
    repo: ForgeRepo,
    note: { target: NoteTarget; marker: string; body: string },
    signal: AbortSignal,
  ): Promise<{ id: number; changed: boolean }>;
  setStatus(
    repo: ForgeRepo,
    status: { sha: string; status: StatusWish },
    signal: AbortSignal,
  ): Promise<{ changed: boolean }>;
  putIssue(repo: ForgeRepo, wish: IssueWish, signal: AbortSignal): Promise<OwnIssue>;
  findIssue(
    repo: ForgeRepo,
    issue: Pick<IssueWish, 'marker' | 'since'>,
    signal: AbortSignal,
  ): Promise<OwnIssue | undefined>;
  setIssueState(
    repo: ForgeRepo,
    issue: { number: number; open: boolean },
    signal: AbortSignal,
  ): Promise<void>;
  /** The newest of a branch of the repository itself into its default branch; undefined: none. */
  findMergeRequest(
    repo: ForgeRepo,
    branch: string,
    signal: AbortSignal,
  ): Promise<ForgeMergeRequest | undefined>;
  /** Opens one of a branch of ours, or brings the open one to these words. */
  openMergeRequest(
    repo: ForgeRepo,
    wish: {
      branch: string;
      title: string;
      description: string;
      labels: readonly string[];
      reviewers: readonly string[];
      draft: boolean;
    },
    signal: AbortSignal,
  ): Promise<ForgeMergeRequest>;
  closeMergeRequest(repo: ForgeRepo, number: number, signal: AbortSignal): Promise<void>;
  /**
   * Makes `branch` (below `autodev/`) on top of `base` with one file more, as one commit. One that is there is left as
   * it is. Answers its head.
   */
  offerFile(
    repo: ForgeRepo,
    file: { branch: string; base: string; path: string; content: string; message: string },
    signal: AbortSignal,
  ): Promise<string>;
}
