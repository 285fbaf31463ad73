import type { JobInput } from '../domain/job.ts';
import type { Queryable } from './db.ts';
import { sql } from './sql.ts';

/**
 * Tells a running job's next attempt what the one that ends now leaves. Only the newest is kept: it holds what is
 * worth knowing of those before it. To be called before the attempt ends, in its transaction.
 */
export async function handOverTo(
  tx: Queryable,
  jobId: number,
  brief: Omit<JobInput, 'kind'>,
): Promise<void> {
  const input: JobInput = { kind: 'hand_over', ...brief };
  await tx.query(sql`
    update job set input = (
      select coalesce(jsonb_agg(i.value order by i.at), '[]') from jsonb_array_elements(input) with ordinality i(value, at)
      where i.value ->> 'kind' <> 'hand_over'
    ) || ${JSON.stringify([input])}::jsonb
    where id = ${jobId}::bigint and state = 1
  `);
}
