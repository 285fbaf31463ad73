/**
 * What a hint may be about. The rows behind each topic also NOTIFY on the PostgreSQL channel of the same name, in the
 * transaction that writes them.
 *
 * - `control`: somebody ordered something (pause, resume, cancel, drain); the id is the control's where it is known.
 * - `transcript`: a worker said something; the id is its job's.
 *
 * Wake-ups of queues are no topic: they leave in the transaction that makes the work, where a second way could only
 * be out of step.
 */
export const TOPICS = ['control', 'transcript'] as const;
export type Topic = (typeof TOPICS)[number];

export function isTopic(channel: string): channel is Topic {
  return TOPICS.some((topic) => topic === channel);
}

/**
 * Carries hints between processes: that there is a row to look at, never what it says. A hint may be lost, doubled or
 * late, so whoever listens also polls; the rows of PostgreSQL are the truth.
 */
export interface ControlBus extends AsyncDisposable {
  /**
   * Says that a row is there. Call it after the commit, or receivers look too early. Returns at once and never
   * throws: nobody waits for a hint, and one that cannot be sent is counted and dropped.
   */
  publish(topic: Topic, id?: number): void;
  /**
   * Calls `onHint` with each id as text until `signal` aborts. An empty text means look at everything: the connection
   * was made anew, or more hints came than are worth a look each.
   *
   * Resolves when it listens, or when the bus is down and will listen as soon as it is back; never rejects.
   */
  listen(topic: Topic, onHint: (id: string) => void, signal: AbortSignal): Promise<void>;
  status(): BusStatus;
}

interface BusStatus {
  readonly kind: 'redis' | 'postgres';
  /** False: hints do not travel, and receivers find rows by their poll. */
  readonly up: boolean;
  /** For people: where it is connected, or why not. Never a secret. */
  readonly detail: string;
  readonly counts: BusCounts;
}

/** Since the process started. */
interface BusCounts {
  /** Hints that the bus took. */
  readonly published: number;
  /** Hints that could not be sent: the bus was down, slow or behind. */
  readonly dropped: number;
  readonly received: number;
  /** Messages on our channels that are no hints of ours. */
  readonly refused: number;
  /** Hints that came faster than they are worth a look each. */
  readonly gathered: number;
  /** Times that a connection that stood was lost. */
  readonly lost: number;
}
