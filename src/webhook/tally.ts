import type { Registry } from 'prom-client';
import { Counter, Gauge, Histogram } from 'prom-client';

import type { Queryable } from '../db/db.ts';
import type { HookOutcome, TallyEntry } from '../db/hook-tally.ts';
import { addToTally } from '../db/hook-tally.ts';
import type { Clock } from '../kernel/clock.ts';
import { AppError } from '../kernel/errors.ts';
import type { Log } from '../kernel/log.ts';
import type { Service } from '../kernel/service.ts';

/** Counts deliveries, in memory and for metrics, and now and then where every process sees it. */
export interface Tally {
  count(outcome: HookOutcome, repoId?: number): void;
  observe(seconds: number): void;
  /** Writes what was counted since; what cannot be written is kept for the next time. */
  flush(): Promise<void>;
  /** Flushes each second, and once more at the end. */
  readonly keep: Service;
}

const FLUSH_EVERY_MS = 1_000;
/** Not of deliveries: of their own, which is then not forgotten. A count is not worth a commit each. */
const UNKNOWN_REPO = 0;

/** `waiting` is asked when somebody reads the metrics. */
export function createTally(
  { db, clock, log, registry }: { db: Queryable; clock: Clock; log: Log; registry: Registry },
  waiting: () => number,
): Tally {
  const registers = [registry];
  const deliveries = new Counter({
    name: 'autodev_webhook_deliveries_total',
    help: 'Deliveries of GitLab hooks, by what became of them.',
    labelNames: ['outcome'],
    registers,
  });
  const duration = new Histogram({
    name: 'autodev_webhook_duration_seconds',
    help: 'From the last byte of a delivery to its answer, the commit included.',
    buckets: [0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 2, 5],
    registers,
  });
  const gauge: Gauge = new Gauge({
    name: 'autodev_webhook_waiting',
    help: 'Deliveries that wait for their commit.',
    registers,
    collect: () => gauge.set(waiting()),
  });

  const pending = new Map<string, TallyEntry>();
  const add = (entry: TallyEntry): void => {
    const key = `${entry.repoId} ${entry.outcome}`;
    const before = pending.get(key);
    pending.set(key, { ...entry, count: entry.count + (before?.count ?? 0) });
  };
  const flush = async (): Promise<void> => {
    const entries = [...pending.values()];
    pending.clear();
    try {
      await addToTally(db, entries);
    } catch (error) {
      if (!(error instanceof AppError)) {
        throw error;
      }
      entries.forEach(add);
      log.debug({ err: error }, 'counts of deliveries not written yet');
    }
  };

  return {
    count: (outcome, repoId = UNKNOWN_REPO) => {
      deliveries.inc({ outcome });
      add({ repoId, outcome, count: 1, lastAt: clock.now() });
    },
    observe: (seconds) => duration.observe(seconds),
    flush,
    keep: async (signal) => {
      while (!signal.aborted) {
        await clock.sleep(FLUSH_EVERY_MS, signal);
        await flush();
      }
    },
  };
}
