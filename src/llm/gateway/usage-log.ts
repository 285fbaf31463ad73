import type { UsageRow } from '../../db/ledger.ts';
import type { Clock } from '../../kernel/clock.ts';
import { AppError } from '../../kernel/errors.ts';
import type { Log } from '../../kernel/log.ts';

/** Books calls for good. Safe to repeat; a row of a call that is booked already replaces it. */
export type StoreUsage = (rows: readonly UsageRow[]) => Promise<void>;

export interface UsageLog {
  /** Books a call within a second; a later row of the same call takes the place of one that waits. */
  add(row: UsageRow): void;
  /** Resolves when all that was added before is booked. Rejects with what the store said, and keeps it. */
  flush(): Promise<void>;
  /** Books what is left and ends. Rejects when that failed. */
  close(): Promise<void>;
}

const INTERVAL_MS = 250;
/** The database is away: the rows wait, and it is asked again after so long. */
const RETRY_MS = 1_000;
const MAX_ROWS = 500;

/** Books calls in batches, one at a time, so that a call's rows arrive in their order. */
export function createUsageLog({
  clock,
  log,
  store,
}: {
  clock: Clock;
  log: Log;
  store: StoreUsage;
}): UsageLog {
  const rows = new Map<string, UsageRow>();
  const stop = new AbortController();
  let writing: Promise<void> = Promise.resolve();
  let running: Promise<void> | undefined;

  const write = async (): Promise<void> => {
    const batch = [...rows].slice(0, MAX_ROWS);
    if (batch.length === 0) {
      return;
    }
    await store(batch.map(([, row]) => row));
    for (const [name, row] of batch) {
      if (rows.get(name) === row) {
        rows.delete(name);
      }
    }
    await write();
  };

  /** After whoever writes already. */
  const flush = (): Promise<void> => {
    writing = writing.catch(() => {}).then(write);
    return writing;
  };

  const run = async (): Promise<void> => {
    let waitMs = INTERVAL_MS;
    while (rows.size > 0 && !stop.signal.aborted) {
      await clock.sleep(waitMs, stop.signal);
      try {
        await flush();
        waitMs = INTERVAL_MS;
      } catch (error) {
        // Whatever it is: what was spent must not be lost, nor may it stop the calls of other attempts.
        log.error({ err: error, rows: rows.size }, 'usage could not be booked and waits');
        waitMs = RETRY_MS;
      }
    }
    running = undefined;
  };

  return {
    add(row) {
      if (stop.signal.aborted) {
        throw new AppError('CONFLICT', 'the usage log is closed');
      }
      const name = `${row.jobId}/${row.attempt}/${row.request}`;
      rows.delete(name);
      rows.set(name, row);
      running ??= run();
    },
    flush,
    async close() {
      stop.abort();
      await running;
      await flush();
    },
  };
}
