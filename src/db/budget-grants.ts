import type { Queryable } from './db.ts';
import { sql } from './sql.ts';

/** Records a person's one-time raise for a job; claims add it to what the job may spend. */
export async function insertGrant(
  tx: Queryable,
  {
    jobId,
    microUsd,
    actor,
    reason,
  }: {
    jobId: number;
    microUsd: number;
    actor: string;
    reason?: string;
  },
): Promise<void> {
  await tx.query(sql`
    insert into budget_grant (job_id, micro_usd, actor, reason)
    values (${jobId}, ${microUsd}, ${actor}, ${reason ?? null})
  `);
}
