import type { Queryable } from '../db/db.ts';
import type { HookDelivery, StoredDelivery } from '../db/hook-deliveries.ts';
import { HINT_CHANNEL, insertDeliveries } from '../db/hook-deliveries.ts';
import { REPO_CHANNEL } from '../db/repo-sync.ts';
import { sql } from '../db/sql.ts';
import type { Clock } from '../kernel/clock.ts';
import { AppError } from '../kernel/errors.ts';

/** Takes deliveries in. */
export interface Intake {
  /**
   * Resolves once the delivery is committed.
   *
   * @throws {AppError} BUSY when too many wait already; UNAVAILABLE or DATABASE_UNAVAILABLE when the database does not
   * take it in time: it may be sent again
   */
  readonly add: (delivery: HookDelivery) => Promise<StoredDelivery>;
  /** How many wait for their commit. */
  readonly waiting: () => number;
}

interface IntakeOptions {
  mostInBatch?: number;
  mostWaiting?: number;
  /** GitLab waits for 10 s; an answer that comes later is none. */
  timeoutMs?: number;
}

interface Call {
  delivery: HookDelivery;
  resolve(stored: StoredDelivery): void;
  reject(error: unknown): void;
}

/** Two, so that one batch is gathered while another one's commit reaches the disk. */
const MOST_IN_FLIGHT = 2;

/**
 * Stores the deliveries of many requests in few inserts, as `createEnqueuer` does for jobs: what arrives in one tick,
 * and while two inserts are on their way, shares one commit. What waits is bounded, in number and in time.
 */
export function createIntake(
  { db, clock }: { db: Queryable; clock: Clock },
  { mostInBatch = 500, mostWaiting = 5_000, timeoutMs = 5_000 }: IntakeOptions = {},
): Intake {
  const calls: Call[] = [];
  let waiting = 0;
  let inFlight = 0;
  let planned = false;
  const notify = createNotifier({ db });

  const store = async (batch: readonly Call[]): Promise<void> => {
    try {
      const stored = await within(
        { clock, timeoutMs },
        insertDeliveries(
          db,
          batch.map(({ delivery }) => delivery),
        ),
      );
      batch.forEach((call, i) => call.resolve(stored[i] ?? { repoId: undefined, isNew: false }));
      if (stored.some(({ isNew }) => isNew)) {
        notify();
      }
    } catch (error) {
      if (!(error instanceof AppError) && batch.length > 1) {
        // One that cannot be stored must not cost the others: then each goes alone.
        for (const call of batch) {
          await store([call]);
        }
        return;
      }
      batch.forEach((call) => call.reject(error));
      if (error instanceof AppError && error.code === 'UNAVAILABLE') {
        // Whoever waits behind would wait as long, and then for nothing.
        calls.splice(0).forEach((call) => call.reject(error));
      }
    }
  };
  const flush = async (): Promise<void> => {
    while (calls.length > 0 && inFlight < MOST_IN_FLIGHT) {
      const batch = calls.splice(0, mostInBatch);
      inFlight += 1;
      await store(batch);
      inFlight -= 1;
    }
  };
  const plan = (): void => {
    if (!planned && inFlight < MOST_IN_FLIGHT) {
      planned = true;
      // After the tick: a flush at once would carry the first delivery alone.
      setImmediate(() => {
        planned = false;
        void flush();
      });
    }
  };

  return {
    waiting: () => waiting,
    add: async (delivery) => {
      if (waiting >= mostWaiting) {
        throw new AppError('BUSY', 'too many deliveries wait to be stored');
      }
      waiting += 1;
      try {
        return await new Promise((resolve, reject) => {
          calls.push({ delivery, resolve, reject });
          plan();
        });
      } finally {
        waiting -= 1;
      }
    },
  };
}

async function within<T>(
  { clock, timeoutMs }: { clock: Clock; timeoutMs: number },
  work: Promise<T>,
): Promise<T> {
  const done = new AbortController();
  const late = clock.sleep(timeoutMs, done.signal).then(() => undefined);
  // It may fail after nobody waits for it any more.
  const wrapped = work.then((value) => ({ value }));
  wrapped.catch(() => {});
  try {
    const first = await Promise.race([wrapped, late]);
    if (first === undefined) {
      throw new AppError('UNAVAILABLE', `the database took nothing in for ${timeoutMs} ms`);
    }
    return first.value;
  } finally {
    done.abort();
  }
}

/**
 * Wakes who follows, after the commit and at most once at a time: a NOTIFY in the insert would make commits wait for
 * each other. One that is lost costs a poll.
 */
function createNotifier({ db }: { db: Queryable }): () => void {
  let isSending = false;
  let again = false;

  const send = async (): Promise<void> => {
    isSending = true;
    do {
      again = false;
      await db
        .query(sql`select pg_notify(${HINT_CHANNEL}, ''), pg_notify(${REPO_CHANNEL}, '')`)
        .catch(() => {});
    } while (again);
    isSending = false;
  };
  return () => {
    if (isSending) {
      again = true;
    } else {
      void send();
    }
  };
}
