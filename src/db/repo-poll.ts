import type { Queryable } from './db.ts';
import { sql } from './sql.ts';

/**
 * Leaves repositories alone for longer than `takeDueRepos` does: those whose forge tells by itself that something
 * moved. Spread by a tenth, so that those that were added together are not asked for together for ever. One that
 * somebody made due meanwhile stays due.
 */
export async function postponeRepos(
  db: Queryable,
  repoIds: readonly number[],
  { pollMs }: { pollMs: number },
): Promise<void> {
  await db.query(sql`
    update repo_sync
    set next_at = now() + ${pollMs}::float8 * (1 + random() / 10) * interval '1 millisecond'
    where repo_id = any (${repoIds}::int[]) and next_at > now() and failures = 0 and missing_reads <> 1
  `);
}
