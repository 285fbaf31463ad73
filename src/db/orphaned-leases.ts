import type { Queryable } from './db.ts';
import { sql } from './sql.ts';

/**
 * Ends the leases of reconcilers and orchestrators that are known to be gone, so that what they had begun is taken
 * up at once and not when the leases run out (a minute or two). Only for who knows that no other process works on
 * the database; one that does after all is fenced off by the epoch. Runners have theirs ended by registering again.
 */
export async function endOrphanedLeases(db: Queryable): Promise<void> {
  await db.query(sql`
    with effects as (
      update effect set lease_until = null where lease_until is not null and state = 'running'
    )
    update repo_sync set lease_until = null, lease_owner = null, epoch = epoch + 1
    where lease_until is not null
  `);
}
