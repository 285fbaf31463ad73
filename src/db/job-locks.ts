import type { Queryable } from './db.ts';
import type { JobRecord, JobRow } from './job-rows.ts';
import { jobRow } from './job-rows.ts';
import { sql } from './sql.ts';

/**
 * Locks a live job until the transaction ends and answers it as it is now; undefined when it has ended or never was.
 *
 * The order of all locks: job → effect → repo → merge_request → gate → lane → repo_slot → budget_window. Whoever
 * decides about a job, its gates or its merge request begins here, with one job a transaction: what hangs on the
 * job is then its own for as long as it decides.
 */
export async function lockJob(tx: Queryable, id: number): Promise<JobRow | undefined> {
  const [record] = await tx.query<JobRecord>(sql`
    select * from job where id = ${id}::bigint for update
  `);
  return record && jobRow(record);
}
