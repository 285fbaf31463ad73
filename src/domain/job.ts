import type { ProviderName } from './spec.ts';

/** What started a job; frozen when the job is made. `line` is the line of autodev.yaml that asked for it. */
export interface JobTrigger {
  readonly kind: 'schedule' | 'trigger' | 'manual' | 'hand_off' | 'retry' | 'replay' | 'changes';
  /** The schedule's or trigger's name in autodev.yaml. */
  readonly name?: string;
  /** Who acted: a person, or `autodev` for schedules and our own acts. */
  readonly actor: string;
  readonly line?: number;
  /** The commit of autodev.yaml that was in force. */
  readonly commit?: string;
  /** The occurrence of a schedule, RFC 3339. */
  readonly nominal_at?: string;
  readonly event_id?: number;
  readonly from_job?: number;
  /** Of a successor: what its first job began with, because the `with` of that still narrows it. */
  readonly began_with?: 'schedule' | 'trigger';
  /** Of a replay: the provider to do it with, whatever the file lists first. */
  readonly provider?: ProviderName;
}

/** The trigger of a job that goes on with another one's work: named after the same schedule or trigger. */
export function succeed(
  trigger: JobTrigger,
  by: {
    readonly kind: 'changes' | 'retry' | 'replay';
    readonly actor: string;
    readonly from_job: number;
    readonly provider?: ProviderName;
  },
): JobTrigger {
  // A provider was chosen for one replay, not for what follows from it.
  const { provider: _provider, ...kept } = trigger;
  const { kind } = trigger;
  const began = kind === 'schedule' || kind === 'trigger' ? kind : trigger.began_with;
  return { ...kept, ...by, ...(began && { began_with: began }) };
}

/** What a job is about. `id` is the number of an issue or merge request, `sha` the commit. */
export interface JobSubject {
  readonly kind: 'issue' | 'merge_request' | 'commit';
  readonly id?: number;
  readonly sha?: string;
}

/** What people (or an earlier attempt) said to the job after it was made. */
export interface JobInput {
  readonly kind: 'answer' | 'changes' | 'note' | 'hand_over';
  readonly author: string;
  readonly text: string;
  /** RFC 3339, UTC. */
  readonly at: string;
}
