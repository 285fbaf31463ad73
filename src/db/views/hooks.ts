import type { Static } from 'typebox';
import { Type } from 'typebox';

import type { Queryable } from '../db.ts';
import { REFUSALS, readTally } from '../hook-tally.ts';
import { sql } from '../sql.ts';
import { Time, orNull, time } from './wire.ts';

export const RefusedDeliveries = Type.Object({
  reason: Type.String(),
  total: Type.Integer({ description: 'Since the beginning' }),
  last_at: Time,
});

/** Deliveries of hooks that were answered with an error, by why. Nothing of what they held is kept. */
export type RefusedDeliveries = Static<typeof RefusedDeliveries>;

export async function listRefusedDeliveries(db: Queryable): Promise<RefusedDeliveries[]> {
  const totals = new Map<string, { total: number; lastAt: Date }>();
  for (const { outcome, total, lastAt } of await readTally(db)) {
    if (REFUSALS.has(outcome)) {
      const before = totals.get(outcome);
      totals.set(outcome, {
        total: total + (before?.total ?? 0),
        lastAt: before && before.lastAt > lastAt ? before.lastAt : lastAt,
      });
    }
  }
  return [...totals].map(([reason, { total, lastAt }]) => ({
    reason,
    total,
    last_at: time(lastAt),
  }));
}

export const LastDelivery = orNull(Time);

/** When GitLab last told us something of a repository, by its id; by SQL, for reads of one row. */
export const LAST_DELIVERY = sql`(select max(t.last_at) from hook_tally t where t.repo_id = r.id)`;
