import type { Queryable } from './db.ts';
import { sql } from './sql.ts';

/**
 * Keeps pauses and new lanes apart until the transaction ends: a pause that is being written cannot see a lane that is
 * being made, nor the lane the pause, and each would go on without the other. Whoever changes pauses waits for those
 * who make lanes and the other way round; makers of lanes do not wait for each other.
 *
 * First of all locks: before lanes, and before anything that a holder of lanes may wait for.
 */
export async function lockPauses(
  tx: Queryable,
  as: 'who_changes_pauses' | 'who_makes_lanes',
): Promise<void> {
  await (as === 'who_changes_pauses'
    ? tx.query(sql`select pg_advisory_xact_lock(hashtext('autodev.pauses'))`)
    : tx.query(sql`select pg_advisory_xact_lock_shared(hashtext('autodev.pauses'))`));
}
