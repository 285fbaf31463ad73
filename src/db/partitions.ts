import type { Queryable } from './db.ts';
import { sql } from './sql.ts';

/** Makes the partitions for the job ids to come and answers how many it made. */
export async function ensurePartitions(db: Queryable): Promise<number> {
  const [row] = await db.query<{ made: number }>(sql`select ensure_partitions() as made`);
  return row?.made ?? 0;
}
