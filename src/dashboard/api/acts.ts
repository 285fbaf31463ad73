import type { SetAside } from '../../db/setbacks.ts';
import type { Agent } from '../../domain/agent.ts';

/** Who acts, as audit rows and votes name them. */
interface By {
  actor: string;
}

export interface CastVote {
  voter: string;
  verdict: 'approve' | 'reject' | 'changes' | 'answer';
  /** The reason, the note or the answer; only `approve` goes without. */
  note?: string | undefined;
  /** The commit that was looked at; a gate that has moved on refuses with CONFLICT. */
  head?: string | undefined;
  via: 'cli' | 'api' | 'dashboard';
}

/** What is paused or granted to: everything, a repository, or one agent of it. */
interface ActScope {
  repoId?: number | undefined;
  agent?: Agent | undefined;
}

/**
 * Everything that the API can cause. Reads go to the database's views; what changes something goes through
 * here to the orchestrator and the reconciler, which check, write, and keep the audit.
 *
 * Each rejects with an AppError: NOT_FOUND, CONFLICT (it cannot be done in this state; the message says in
 * which it would), FORBIDDEN, WORKING_COPY_DIRTY with the command that helps, and so on.
 */
export interface Acts {
  /** Answers with one sentence on what came of it. */
  castVote(gateId: number, vote: CastVote): Promise<{ message: string }>;
  runJob(job: By & { repoId: number; agent: Agent; task: string }): Promise<{ jobId: number }>;
  /** A new job with the same root. */
  retryJob(jobId: number, options: By & { note?: string | undefined }): Promise<{ jobId: number }>;
  /** The recorded inputs again, always staged. */
  replayJob(
    jobId: number,
    options: By & { provider?: string | undefined },
  ): Promise<{ jobId: number }>;
  /** Carries out the effects of a staged job. */
  releaseJob(jobId: number, by: By): Promise<{ message: string }>;
  /** Tries rows again that could not be handled: one, or all of them. Answers how many. */
  retrySetAside(row: SetAside | undefined, by: By): Promise<{ retried: number }>;
  cancelJob(jobId: number, options: By & { reason?: string | undefined }): Promise<void>;
  grantBudget(
    jobId: number,
    grant: By & { microUsd: number; reason?: string | undefined },
  ): Promise<{ message: string }>;

  /** Raises the USD budgets of a scope in the windows that are open now. */
  grantWindows(
    scope: ActScope,
    grant: By & { microUsd: number; reason: string },
  ): Promise<{ message: string }>;

  pause(
    scope: ActScope,
    options: By & { reason: string; until?: Date | undefined },
  ): Promise<{ controlId: number }>;
  /** Answers with how many pauses ended; none is no error. */
  resume(scope: ActScope, by: By): Promise<{ lifted: number }>;
  liftControl(controlId: number, by: By): Promise<void>;
  /** The runner takes no new work and ends when what it has is done. */
  drain(runnerId: number, options: By & { reason: string }): Promise<{ controlId: number }>;
  /** Closes the breaker of a lane. */
  resetBreaker(repoId: number, agent: Agent, by: By): Promise<void>;

  /** `location` is an absolute path, or with `gitlab` a project's path or id. */
  addRepo(
    repo: By & {
      location: string;
      forge?: 'local' | 'gitlab' | undefined;
      path?: string | undefined;
      branch?: string | undefined;
    },
  ): Promise<{ repoId: number }>;
  /** Registers a group's projects and follows it. Answers those that are new. */
  addGroup(
    group: By & { group: string; include: readonly string[]; exclude: readonly string[] },
  ): Promise<readonly { repoId: number; path: string }[]>;
  removeRepo(repoId: number, by: By): Promise<void>;
  /** Offers a first file by a merge request; CONFLICT where people declined before, unless `again`. */
  onboardRepo(repoId: number, options: By & { again: boolean }): Promise<void>;
  /** Asks for the file to be read now. `confirmPrune` is the digest of a held plan that may go on. */
  syncRepo(repoId: number, options: By & { confirmPrune?: string | undefined }): Promise<void>;
  /** What would change: with `text` as autodev.yaml, or with the newest one on the default branch. */
  planRepo(repoId: number, options: { text?: string | undefined }): Promise<PlanAnswer>;
  /** What the policy says of a repository's path: all of it, or one key and what is under it. */
  explainPolicy(path: string, key?: string): readonly PolicySaying[];
}

interface PolicySaying {
  key: string;
  value: unknown;
  /** Which rule of which file; null: the built-in default. */
  origin: { file: string; rule: number; line: number } | null;
}

interface PlanAnswer {
  /** Nothing would change. */
  empty: boolean;
  /** The plan as the plan author's JSON (`format_version` inside). */
  plan: unknown;
  /** The same for people. */
  text: string;
  /** Of the text that was read; with an error among them there is no plan to speak of. */
  diagnostics: readonly unknown[];
}
