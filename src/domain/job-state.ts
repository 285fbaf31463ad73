/**
 * Where a job stands, with the code that the database stores. Codes from 10 on are final: the row moves to
 * the table of done jobs. Never renumber.
 *
 * `queued` means that the job itself waits for nothing; a held lane or full slots may still keep it.
 */
const CODES = {
  queued: 0,
  running: 1,
  waiting: 2,
  publishing: 3,
  review: 4,
  succeeded: 10,
  failed: 11,
  cancelled: 12,
  rejected: 13,
} as const;

const FIRST_FINAL_CODE = 10;

export type JobState = keyof typeof CODES;

/** In the order in which a job meets them. */
export const JOB_STATES = [
  'waiting',
  'queued',
  'running',
  'publishing',
  'review',
  'succeeded',
  'failed',
  'cancelled',
  'rejected',
] as const satisfies readonly JobState[];

/** What a job in `waiting` waits for. Stored by name: never rename one. */
export const WAIT_REASONS = [
  'gate',
  'budget',
  'retry',
  'cooldown',
  'provider',
  'question',
  'parent',
] as const;

export type WaitReason = (typeof WAIT_REASONS)[number];

/**
 * From each state, those a job may go to. Not in the picture of the states but true as well:
 * - queued → waiting: a claim found no budget or provider slot and put the job back.
 * - running → queued: its runner is gone, the next one takes the job over at once.
 * - waiting, queued → failed: its lifetime ran out, or a budget says `on_exhausted: fail`.
 * - publishing → waiting: the effect was a question.
 * - review → cancelled: a successor took over its branch, or its subject was closed.
 */
const MOVES: Readonly<Record<JobState, readonly JobState[]>> = {
  waiting: ['queued', 'failed', 'cancelled', 'rejected'],
  queued: ['running', 'waiting', 'failed', 'cancelled'],
  running: ['publishing', 'waiting', 'queued', 'succeeded', 'failed', 'cancelled'],
  publishing: ['review', 'waiting', 'succeeded', 'failed', 'cancelled'],
  review: ['succeeded', 'rejected', 'cancelled'],
  succeeded: [],
  failed: [],
  cancelled: [],
  rejected: [],
};

const STATE_BY_CODE = new Map<number, JobState>(JOB_STATES.map((state) => [CODES[state], state]));

export function jobStateCode(state: JobState): number {
  return CODES[state];
}

/** @throws Error for a code that no state has: the row was written by something newer, or is damaged. */
export function jobStateOf(code: number): JobState {
  const state = STATE_BY_CODE.get(code);
  if (state === undefined) {
    throw new Error(`no job state has the code ${code}`);
  }
  return state;
}

/** Whether nothing can happen to the job any more; what follows is a new job. */
export function isFinal(state: JobState): boolean {
  return CODES[state] >= FIRST_FINAL_CODE;
}

/** Whether a job may go from one state to another. Staying where it is is no move. */
export function canMove(from: JobState, to: JobState): boolean {
  return MOVES[from].includes(to);
}

export function isJobState(name: string): name is JobState {
  return Object.hasOwn(CODES, name);
}

export function isWaitReason(name: string): name is WaitReason {
  return (WAIT_REASONS as readonly string[]).includes(name);
}
