import type { Agent } from './agent.ts';
import type { JobReason } from './end-reason-text.ts';
import type { JobState, WaitReason } from './job-state.ts';
import type { SkipReason } from './schedule-policy.ts';
import type { EventName } from './spec.ts';

/** One answer to "why does nothing happen?". Codes are public: the API returns them. */
export interface WhyReason {
  readonly code: WhyCode;
  readonly sentence: string;
  /** What a person can do, a sentence or a command; undefined where only time helps, or nothing is amiss. */
  readonly remedy?: string;
  /** When it ends by itself, epoch milliseconds. */
  readonly until?: number;
}

export const WHY_CODES = [
  'source_unreadable',
  'no_config',
  'config_invalid',
  'config_unreviewed',
  'agent_not_listed',
  'sandbox_unavailable',
  'runner_full',
  'no_runner',
  'hold_paused',
  'hold_suspended',
  'hold_disabled',
  'hold_removed',
  'hold_breaker',
  'hold_merge_requests',
  'hold_bypassed',
  'hold_no_runner',
  'lane_limit',
  'repo_limit',
  'fleet_limit',
  'waiting_gate',
  'waiting_budget',
  'waiting_retry',
  'waiting_cooldown',
  'waiting_provider',
  'waiting_question',
  'waiting_parent',
  'queued_next',
  'queued_behind',
  'running',
  'publishing',
  'effect_failing',
  'in_review',
  'ended',
  'no_source_of_work',
  'not_due',
  'schedule_skipped',
  'schedule_ended',
  'waits_for_event',
  'waits_for_hand_off',
  'trigger_spent',
] as const;

type WhyCode = (typeof WHY_CODES)[number];

/** Why a lane takes no work; the kinds are those of the table of holds. */
export interface HoldFact {
  readonly kind:
    | 'paused'
    | 'suspended'
    | 'disabled'
    | 'removed'
    | 'breaker'
    | 'merge_requests'
    | 'bypassed'
    | 'no_runner';
  /** One sentence for people. */
  readonly reason: string;
  readonly actor?: string;
  readonly until?: number;
  /** `paused` only: what the pauses that cover the lane are about; each is lifted by a command of its own. */
  readonly scopes?: readonly PauseScope[];
}

export type PauseScope = 'fleet' | 'repo' | 'agent';

/** Places for jobs that run at once. */
export interface SlotFact {
  readonly running: number;
  readonly most: number;
}

export interface ScheduleFact {
  readonly name: string;
  /** Undefined: it has ended. */
  readonly nextAt?: number;
  readonly lastSkip?: { readonly at: number; readonly reason: SkipReason };
}

/** An enabled trigger that starts the agent. */
export interface TriggerFact {
  readonly name: string;
  readonly events: readonly EventName[];
  /** Each of its events happens once and has happened: it starts nothing any more. */
  readonly spent: boolean;
}

/** Everything that a lane's standing still can come from. Times in epoch milliseconds. */
export interface LaneFacts {
  readonly repo: string;
  readonly agent: Agent;
  readonly now: number;
  /** `message` says what is wrong; undefined where nothing is. */
  readonly source: { readonly readable: boolean; readonly message?: string };
  readonly config: {
    readonly state: 'valid' | 'invalid' | 'unreviewed' | 'missing';
    /** Whether an earlier revision is in force. */
    readonly lastGood: boolean;
    readonly message?: string;
  };
  /** Whether the revision in force lists the agent. */
  readonly listed: boolean;
  readonly holds: readonly HoldFact[];
  readonly sandbox: { readonly available: boolean; readonly message?: string };
  /** Live runners that serve this agent. */
  readonly runners: { readonly live: number; readonly full?: string };
  readonly slots: { readonly lane: SlotFact; readonly repo: SlotFact; readonly fleet?: SlotFact };
  readonly queued: number;
  /** Waiting jobs by what they wait for, each with the earliest time that wakes one. */
  readonly waiting: readonly {
    readonly reason: WaitReason;
    readonly count: number;
    readonly wakeAt?: number;
  }[];
  readonly schedules: readonly ScheduleFact[];
  readonly triggers: readonly TriggerFact[];
  /** Other enabled agents of the repository that may hand work to this one. */
  readonly handOffs: readonly Agent[];
}

export interface JobFacts {
  readonly id: string;
  readonly state: JobState;
  /** Why the last attempt, or the job, ended. */
  readonly reason?: JobReason;
  readonly waitReason?: WaitReason;
  readonly wakeAt?: number;
  /** Jobs of its lane that come before it. */
  readonly ahead: number;
  /** The open gate or question, with what is still missing. */
  readonly gate?: { readonly id: string; readonly missing: readonly string[] };
  readonly parent?: { readonly id: string; readonly state: JobState };
  /** In words: which budget, which provider. */
  readonly detail?: string;
  readonly effect?: { readonly name: string; readonly lastError?: string };
  readonly lane: LaneFacts;
}
