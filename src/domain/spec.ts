import type { Agent } from './agent.ts';
import type { Role } from './role.ts';

/**
 * What a resolved autodev.yaml says: every default filled in, every quantity a number. Units are in the
 * names; money is in micro-USD (1 USD = 1,000,000) so that sums are exact. Written by config/resolve.ts.
 */
export interface RepoSpec {
  readonly version: 1;
  readonly timezone: string;
  readonly mode: Mode;
  readonly agents: Readonly<Record<string, AgentSpec>>;
  readonly schedules: Readonly<Record<string, ScheduleSpec>>;
  readonly triggers: Readonly<Record<string, TriggerSpec>>;
  readonly budgets: Readonly<Record<string, BudgetSpec>>;
  readonly approvals: Readonly<Record<string, ApprovalRule>>;
  readonly merge: 'human' | 'auto';
  readonly memory: { readonly keepMs: number };
  readonly links: { readonly allow: readonly string[] };
}

/** `staged`: everything runs, effects are shown, none is carried out. */
export type Mode = 'live' | 'staged';

/** What can do the thinking. CONTRIBUTING.md says how one is added. */
export const PROVIDERS = ['codex', 'claude', 'command'] as const;

export type ProviderName = (typeof PROVIDERS)[number];

export interface ProviderSpec {
  readonly name: ProviderName;
  /** Undefined: the price table's default for that provider. Never set for `command`. */
  readonly model?: string;
  /** `command` only: the program and its arguments, run in the workspace. */
  readonly run?: readonly string[];
  /** `command` only: whether it gets the metering gateway. */
  readonly llm?: boolean;
}

export interface AgentLimits {
  readonly tokens: number;
  readonly microUsd: number;
  readonly turns: number;
  readonly wallMs: number;
  readonly idleMs: number;
  readonly attempts: number;
  readonly memoryBytes: number;
  /** Below this share (0 to 1) of the wanted reservation an attempt does not start. */
  readonly min: number;
  readonly lifetimeMs: number;
  /** Over all attempts of a root job; undefined: unlimited. */
  readonly jobMicroUsd?: number;
  readonly jobTokens?: number;
}

export type OutputType =
  | 'merge_request'
  | 'review'
  | 'comment'
  | 'issue'
  | 'hand_off'
  | 'memory'
  | 'question'
  | 'noop';

/** What one output type may do. A type that is missing from the map may not be written at all. */
export interface AllowRule {
  readonly max: number;
  readonly mode?: Mode;
  /** merge_request: globs of paths that may change; undefined: any that is not protected. */
  readonly paths?: readonly string[];
  readonly maxPatchBytes?: number;
  /** merge_request: globs of paths that the policy lets no agent change, beside the built-in ones. */
  readonly protectedPaths?: readonly string[];
  readonly reviewers?: 'codeowners' | 'round_robin' | readonly string[];
  /** hand_off: the agents that work may be handed to. */
  readonly agents?: readonly Agent[];
  /** issue: labels that may be set; undefined: any. */
  readonly labels?: readonly string[];
}

export type Allow = Readonly<Partial<Record<OutputType, AllowRule>>>;

/** What a job obeys; a schedule or trigger may narrow it (`with`). */
export interface AgentSpec {
  readonly enabled: boolean;
  readonly mode: Mode;
  readonly instructions?: { readonly text: string; readonly file?: string };
  readonly providers: readonly ProviderSpec[];
  readonly concurrency: number;
  readonly limits: AgentLimits;
  readonly maxOpenMergeRequests: number;
  readonly neverDowngrade: boolean;
  readonly setup: readonly string[];
  /** Shell commands that must pass before a merge request leaves, or the repository's own pipeline. */
  readonly check: readonly string[] | 'pipeline';
  readonly network: { readonly allow: readonly string[] };
  readonly env: Readonly<Record<string, string>>;
  /** Globs that the job is about; empty: the whole repository. */
  readonly paths: readonly string[];
  readonly allow: Allow;
}

/** The keys of an agent that a schedule or trigger may narrow. */
export type Narrowing = Partial<
  Pick<AgentSpec, 'instructions' | 'setup' | 'check' | 'limits' | 'paths' | 'providers'>
>;

export interface ScheduleSpec {
  readonly agent: Agent;
  readonly enabled: boolean;
  /** Five fields, in the zone of `timezone`. */
  readonly cron: string;
  readonly timezone: string;
  /** Undefined: the role's standing task. */
  readonly task?: string;
  readonly with: Narrowing;
  readonly when: { readonly changed?: readonly string[] };
  readonly overlap: 'skip' | 'queue' | 'skip_until_merged';
  readonly missed: 'skip' | 'once';
  readonly jitterMs: number;
  /** Inclusive calendar date (YYYY-MM-DD) in `timezone`. */
  readonly until?: string;
}

const EVENTS = [
  'first_start',
  'issue_opened',
  'issue_labeled',
  'issue_assigned',
  'mention',
  'comment',
  'merge_request_opened',
  'merge_request_updated',
  'merge_request_merged',
  'review_requested',
  'changes_requested',
  'pipeline_failed',
  'push',
  'tag_push',
  'job_succeeded',
] as const;

export type EventName = (typeof EVENTS)[number];

export interface TriggerSpec {
  readonly agent: Agent;
  readonly enabled: boolean;
  readonly events: readonly EventName[];
  readonly where: Readonly<Record<string, string | readonly string[]>>;
  /** The lowest role whose act counts; `autodev` lets our own acts count as well. */
  readonly from: Role;
  /** A template with `{{issue.title}}`-like fields; undefined: the role's standing task. */
  readonly task?: string;
  readonly with: Narrowing;
}

export type Period = 'hour' | 'day' | 'week' | 'month';

export interface BudgetSpec {
  /** `repo`, or the name of one agent. */
  readonly scope: 'repo' | Agent;
  readonly per: Period;
  readonly microUsd?: number;
  readonly tokens?: number;
  /** Share of the cap (0 to 1) at which people are warned. */
  readonly warn: number;
  readonly onExhausted: 'question' | 'wait' | 'fail';
}

export type GateKind = 'run' | 'merge' | 'config';

export interface ApprovalRule {
  readonly gate: GateKind;
  readonly approvals: number;
  readonly role: Role;
  readonly users: readonly string[];
  readonly groups: readonly string[];
  /** Globs over old and new paths of every change; empty: every change. */
  readonly paths: readonly string[];
  /** Empty: every agent. */
  readonly agents: readonly Agent[];
  readonly remindMs?: number;
  readonly expiresMs?: number;
  readonly closeAfterMs?: number;
  readonly rememberMs?: number;
}
