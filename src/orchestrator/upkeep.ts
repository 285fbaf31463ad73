import { endStaleProbes } from '../db/breakers.ts';
import { recountCounters } from '../db/counters.ts';
import type { Db } from '../db/db.ts';
import { notifyWork } from '../db/enqueue.ts';
import { liftDue, liftHold, setHold } from '../db/holds.ts';
import { ensurePartitions } from '../db/partitions.ts';
import { promoteDue } from '../db/promote.ts';
import { listWronglyServed } from '../db/unserved-lanes.ts';
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
const LANES_EVERY_MS = 2000;
const RECOUNT_EVERY_MS = 3_600_000;
const PARTITIONS_EVERY_MS = 600_000;

/** Queues jobs whose time has come, and ends holds and pauses whose time is over. */
export function createPromoter(deps: UpkeepDeps): Service {
  const { db } = deps;
  return every(deps, { intervalMs: PROMOTE_EVERY_MS }, async () => {
    const moved =
      (await liftDue(db)) + (await endStaleProbes(db)) + (await promoteDue(db, PROMOTE_BATCH));
    if (moved > 0) {
      await notifyWork(db);
    }
  });
}

/**
 * Holds lanes that no live runner has a provider for, and frees them when one comes: their jobs would be claimed and
 * given back for ever.
 */
export function createLaneWatch(deps: UpkeepDeps): Service {
  return every(deps, { intervalMs: LANES_EVERY_MS }, async () => {
    await holdUnservedLanes(deps);
  });
}

/** One round. Answers how many lanes it held or freed. */
export async function holdUnservedLanes({ db }: Pick<UpkeepDeps, 'db'>): Promise<number> {
  const lanes = await listWronglyServed(db);
  for (const { repoId, agent, served, providers } of lanes) {
    const lane = { repoId, agent, kind: 'no_runner' } as const;
    const reason = `No runner has a provider of the ${agent} (${providers.join(', ') || 'none named'}).`;
    await db.transaction((tx) => (served ? liftHold(tx, lane) : setHold(tx, { ...lane, reason })));
  }
  if (lanes.some(({ served }) => served)) {
    await notifyWork(db);
  }
  return lanes.length;
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
