import type { EndReason } from './end-reason.ts';

/**
 * What a person reads about an end: `sentence` says what happened, `remedy` what they can do about it
 * (undefined where nothing needs doing).
 */
export interface EndReasonText {
  readonly sentence: string;
  readonly remedy: string | undefined;
}

/** Ends of a job that no attempt brought about: people, time, or the world outside did. */
export const DECIDED_REASONS = [
  'effect',
  'rejected',
  'stale',
  'expired',
  'parent_failed',
  'subject_closed',
  'lifetime',
] as const;

type DecidedReason = (typeof DECIDED_REASONS)[number];

/** Everything that may stand as the reason of a job that ended. */
export type JobReason = EndReason | DecidedReason;

const TEXTS: Readonly<Record<JobReason, readonly [sentence: string, remedy?: string]>> = {
  succeeded: ['The work is done.'],
  noop: ['The agent found nothing to do.'],
  question: ['The agent asks a question and waits for the answer.', 'autodev answer ID TEXT'],
  staged: ['The work is done and staged: nothing was changed outside.', 'autodev release ID'],
  no_output: [
    'The worker ended without an error, without a change and without an output.',
    'Look at the end of its transcript: autodev logs ID',
  ],
  invalid_output: [
    'An output of the worker is malformed or not allowed to this agent.',
    'The refused lines are in the transcript; agents.NAME.allow says what may be written.',
  ],
  patch_refused: [
    'The change holds something that must not leave the sandbox.',
    'Each refusal names the file and how to allow it, where it may be allowed.',
  ],
  check_failed: [
    'A command of `check` failed on the change.',
    'Run it on the branch yourself, or correct agents.NAME.check.',
  ],
  setup_failed: [
    'A command of `setup` failed before the worker started.',
    'Hosts that it needs must be listed in agents.NAME.network.allow.',
  ],
  timeout_wall: [
    'The attempt took longer than limits.wall.',
    'Make the task smaller, or raise limits.wall.',
  ],
  timeout_idle: [
    'The worker said nothing for limits.idle.',
    'Raise limits.idle where long silent commands are normal.',
  ],
  limit_turns: [
    'The attempt used up limits.turns.',
    'Make the task smaller, or raise limits.turns.',
  ],
  limit_memory: [
    'The worker used more memory than limits.memory.',
    'Raise limits.memory, or let its commands do less at a time.',
  ],
  limit_processes: [
    'The worker started too many processes.',
    'Look for a command that starts itself again.',
  ],
  limit_disk: ['The worker wrote more than its disk holds.', 'Look for a build that keeps copies.'],
  limit_output: [
    'The worker printed more than is kept of an attempt.',
    'Let its commands print less.',
  ],
  budget: [
    'The attempt spent what was reserved for it.',
    'Raise limits or budgets, or allow it once: autodev grant ID --usd N',
  ],
  rate_limited: [
    'The provider refused further calls for now.',
    'Add a second provider, or wait for the reset that `autodev why` names.',
  ],
  provider_auth: [
    'The provider did not accept the credential.',
    'Renew the key or login; `autodev doctor` tries it.',
  ],
  provider_overloaded: [
    'The provider is overloaded.',
    'Nothing to do; a second provider would help.',
  ],
  provider_error: ['The provider answered with an error.', 'Its message is in the transcript.'],
  context_overflow: [
    'The conversation outgrew what the model can hold.',
    'Make the task smaller, or choose a model with a larger context.',
  ],
  crashed: [
    'The worker ended with an error.',
    'Its exit code and last lines are in the transcript: autodev logs ID',
  ],
  lost: [
    'The runner went away during the attempt.',
    'Nothing to do; another runner takes the job over.',
  ],
  loop: [
    'The agent repeated the same steps without progress.',
    'Say in the task what it should try instead: autodev retry ID --note TEXT',
  ],
  denied: [
    'Every step that the worker tried was denied.',
    'Look at its transcript for what it may not do; `autodev doctor` tests the sandbox.',
  ],
  base_conflict: [
    'The default branch moved and the change no longer fits.',
    'autodev retry ID starts on the new state.',
  ],
  cancelled: ['Cancelled.', 'autodev retry ID starts it again.'],
  superseded: ['A newer job took over.'],
  sandbox: [
    'The sandbox could not be started.',
    '`autodev doctor` says what is missing on this machine.',
  ],
  internal: [
    'Auto-Dev itself failed; this is a bug of ours.',
    'The log of that time holds the error; please report it.',
  ],
  effect: [
    'The result could not be written to the forge.',
    'The effects of the job say which were carried out and why one failed.',
  ],
  rejected: ['A person rejected it.', 'autodev retry ID --note TEXT starts it again with a note.'],
  stale: ['Nobody decided in time, so the merge request was closed; its branch is kept.'],
  expired: ['Nobody approved the start in time.', 'autodev retry ID asks again.'],
  parent_failed: ['The job that it was to follow did not succeed.', 'Retry that job first.'],
  subject_closed: ['The issue or merge request that it was about is closed or unlabelled.'],
  lifetime: [
    'It did not finish within limits.lifetime.',
    'Raise limits.lifetime, or see `autodev why` for what held it up.',
  ],
};

export function describeReason(reason: JobReason): EndReasonText {
  const [sentence, remedy] = TEXTS[reason];
  return { sentence, remedy };
}

export function isJobReason(name: string): name is JobReason {
  return Object.hasOwn(TEXTS, name);
}
