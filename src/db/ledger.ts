import type { Queryable } from './db.ts';
import { sql } from './sql.ts';

/** What one call to a model used. The four counts of tokens never overlap. */
export interface UsageRow {
  readonly repoId: number;
  readonly jobId: number;
  readonly attempt: number;
  /** Which call of the attempt; stored again under the same name, a row replaces the one before. */
  readonly request: string;
  readonly provider: string;
  readonly model: string;
  readonly input: number;
  readonly cached: number;
  readonly cacheWrite: number;
  readonly output: number;
  readonly microUsd: number;
  /** False while the call runs, and for ever when its end was not seen or its model has no known price. */
  readonly exact: boolean;
  readonly at: Date;
}

/**
 * Books calls. Not fenced: what was spent was spent, whoever the job belongs to by now. Safe to repeat; a call that
 * still runs stands with what is held for it, so that a crash leaves its worst case and not nothing.
 *
 * A batch must not name a call twice.
 */
export async function storeUsage(db: Queryable, rows: readonly UsageRow[]): Promise<void> {
  if (rows.length === 0) {
    return;
  }
  await db.query(sql`
    insert into ledger (repo_id, job_id, attempt, request, provider, model, input, cached, cache_writes, output,
      micro_usd, exact, at)
    select r."repoId", r."jobId", r.attempt, r.request, r.provider, r.model, r.input, r.cached, r."cacheWrite",
      r.output, r."microUsd", r.exact, r.at
    from jsonb_to_recordset(${JSON.stringify(rows)}::jsonb)
      as r("repoId" int, "jobId" bigint, attempt smallint, request text, provider text, model text, input bigint,
           cached bigint, "cacheWrite" bigint, output bigint, "microUsd" bigint, exact boolean, at timestamptz)
    on conflict (job_id, attempt, request) do update set
      input = excluded.input, cached = excluded.cached, cache_writes = excluded.cache_writes,
      output = excluded.output, micro_usd = excluded.micro_usd, exact = excluded.exact
  `);
}

export interface AttemptSpend {
  /** What counts against limits: all but what was read from a cache. */
  readonly tokens: number;
  readonly microUsd: number;
  readonly exact: boolean;
}

/** What an attempt has spent so far, as booked. */
export async function spentBy(
  db: Queryable,
  { jobId, attempt }: { jobId: number; attempt: number },
): Promise<AttemptSpend> {
  const [row] = await db.query<AttemptSpend>(sql`
    select coalesce(sum(input + cache_writes + output), 0)::bigint as tokens,
      coalesce(sum(micro_usd), 0)::bigint as "microUsd", coalesce(bool_and(exact), true) as exact
    from ledger where job_id = ${jobId}::bigint and attempt = ${attempt}::smallint
  `);
  return row ?? { tokens: 0, microUsd: 0, exact: true };
}

/** What a repository's jobs cost in the last `days`, in micro-USD. */
export async function spentSince(
  db: Queryable,
  { repoId, days }: { repoId: number; days: number },
): Promise<number> {
  const [row] = await db.query<{ spent: number }>(sql`
    select coalesce(sum(micro_usd), 0)::bigint as spent from ledger
    where repo_id = ${repoId} and at > now() - ${days}::int * interval '1 day'
  `);
  return row?.spent ?? 0;
}
