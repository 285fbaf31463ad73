import type { Job } from '../db/views/job-list.ts';
import type { JobState } from '../domain/job-state.ts';
import type { Output, Paint } from './output.ts';
import { oneLine } from './output.ts';

/** A shape beside each word: nothing is said by colour alone. */
const STATES = {
  waiting: ['◌', 'dim'],
  queued: ['○', 'dim'],
  running: ['●', 'cyan'],
  publishing: ['◍', 'cyan'],
  review: ['▲', 'yellow'],
  succeeded: ['✔', 'green'],
  failed: ['✖', 'red'],
  cancelled: ['⊘', 'dim'],
  rejected: ['✕', 'red'],
} as const satisfies Record<JobState, readonly [string, Paint]>;

export function stateWord(
  { paint }: Pick<Output, 'paint'>,
  { state, wait_reason: waits }: WaitingJob,
): string {
  const [shape, style] = STATES[state];
  return paint(style, `${shape} ${state}${waits === null ? '' : ` (${waits})`}`);
}

type WaitingJob = Pick<Job, 'state' | 'wait_reason'>;

/** `0.42 USD`; what costs nothing says so with a dash. */
export function usdWord(usd: number): string {
  return usd === 0 ? '–' : `${usd.toFixed(usd < 0.01 ? 4 : 2)} USD`;
}

/** How long ago, in the largest unit that says something: `3m ago`. */
export function agoWord(time: string | null, now: Date): string {
  return time === null ? '–' : `${spanWord(now.getTime() - Date.parse(time))} ago`;
}

/** A length of time as people say it: `45s`, `3m`, `2h`, `5d`. */
export function spanWord(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000));
  if (seconds < 60) {
    return `${seconds}s`;
  }
  if (seconds < 3600) {
    return `${Math.floor(seconds / 60)}m`;
  }
  return seconds < 172_800 ? `${Math.floor(seconds / 3600)}h` : `${Math.floor(seconds / 86_400)}d`;
}

/** What started a job, in a few words: `schedule nightly`, `ada by hand`. */
export function triggerWord({ trigger }: Pick<Job, 'trigger'>): string {
  switch (trigger.kind) {
    case 'schedule':
    case 'trigger':
      return oneLine(`${trigger.kind} ${trigger.name ?? ''}`);
    case 'manual':
      return oneLine(`${trigger.actor} by hand`);
    case 'hand_off':
    case 'retry':
    case 'replay':
    case 'changes': {
      const from = trigger.from_job === undefined ? '' : ` of ${trigger.from_job}`;
      return oneLine(`${trigger.kind.replace('_', '-')}${from} by ${trigger.actor}`);
    }
    default:
      return trigger.kind satisfies never;
  }
}
