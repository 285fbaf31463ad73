import { recountCounters } from '../db/counters.ts';
import type { Db } from '../db/db.ts';
import { notifyWork } from '../db/enqueue.ts';
import { liftDue } from '../db/holds.ts';
import { ensurePartitions } from '../db/partitions.ts';
import { promoteDue } from '../db/promote.ts';
import type { Clock } from '../kernel/clock.ts';
import type { Log } from '../kernel/log.ts';
import type { Service } from '../kernel/service.ts';
import { every } from '../kernel/service.ts';

export interface UpkeepDeps {
  db: Db;
  clock: Clock;
  log: Log;
}

const PROMOTE_EVERY_MS = 250;
const PROMOTE_BATCH = 500;
const RECOUNT_EVERY_MS = 3_600_000;
const PARTITIONS_EVERY_MS = 600_000;

/** Queues jobs whose time has come, and ends holds and pauses whose time is over. */
export function createPromoter(deps: UpkeepDeps): Service {
  const { db } = deps;
  return every(deps, { intervalMs: PROMOTE_EVERY_MS }, async () => {
    const moved = (await liftDue(db)) + (await promoteDue(db, PROMOTE_BATCH));
    if (moved > 0) {
      await notifyWork(db);
    }
  });
}

/** Counters are exact by construction; should one ever drift, this mends it and says so. */
export function createRecount(deps: UpkeepDeps): Service {
  const { db, log } = deps;
  return every(deps, { intervalMs: RECOUNT_EVERY_MS }, async () => {
    const drift = await recountCounters(db);
    if (drift > 0) {
      log.error({ drift }, 'counters of lanes or slots had drifted and were mended');
    }
  });
}

/** Makes the partitions for the ids to come, long before they come. */
export function createPartitionKeeper(deps: UpkeepDeps): Service {
  return every(deps, { intervalMs: PARTITIONS_EVERY_MS }, async () => {
    await ensurePartitions(deps.db);
  });
}
