import type { AttemptRow } from './attempts.ts';
import { settleWindows } from './budgets.ts';
import type { Queryable } from './db.ts';
import type { LostJob } from './runners.ts';
import { sql } from './sql.ts';

/** What the runner of a data folder had begun and not ended, before it registers again. */
export function listOpenAttemptsOfKey(
  db: Queryable,
  key: string,
): Promise<Pick<AttemptRow, 'jobId' | 'attempt' | 'spec' | 'pid' | 'pidStartedAt'>[]> {
  return db.query(sql`
    select a.job_id as "jobId", a.attempt::int as attempt, a.spec, a.pid, a.pid_started_at as "pidStartedAt"
    from attempt a join runner r on r.id = a.runner
    where r.key = ${key} and a.ended_at is null
    order by a.job_id, a.attempt
  `);
}

/**
 * Ends the attempts of jobs that were taken from a runner that is gone, and settles their reservations with what
 * the ledger says was spent, which is booked on their jobs as well. For `registerRunner`'s `onLost`, and for whoever
 * takes jobs from dead runners.
 */
export async function endLostAttempts(tx: Queryable, lost: readonly LostJob[]): Promise<void> {
  const fences = lost.map(({ job, runner, epoch }) => ({
    job_id: job.id,
    attempt: job.attempts,
    runner,
    epoch,
  }));
  const ended = await tx.query<{
    jobId: number;
    attempt: number;
    windows: number[];
    heldMicroUsd: number;
    heldTokens: number;
    microUsd: number;
    tokens: number;
  }>(sql`
    with ended as (
      update attempt a set ended_at = clock_timestamp(), reason = 'lost', detail = 'its runner is gone',
        tokens = l.tokens, micro_usd = l.micro_usd, exact = l.tokens = 0
      from jsonb_to_recordset(${JSON.stringify(fences)}::jsonb)
        as f(job_id bigint, attempt smallint, runner int, epoch int),
      lateral (
        select coalesce(sum(input + cache_writes + output), 0)::bigint as tokens, coalesce(sum(micro_usd), 0)::bigint as micro_usd
        from ledger where ledger.job_id = f.job_id and ledger.attempt = f.attempt
      ) l
      where a.job_id = f.job_id and a.attempt = f.attempt and a.runner = f.runner and a.epoch = f.epoch
        and a.ended_at is null
      returning a.job_id, a.attempt, a.windows, a.reserved_micro_usd, a.reserved_tokens, a.micro_usd, a.tokens
    ), booked as (
      update job j set tokens = j.tokens + e.tokens, micro_usd = j.micro_usd + e.micro_usd
      from ended e where j.id = e.job_id
    ), booked_done as (
      update job_done j set tokens = j.tokens + e.tokens, micro_usd = j.micro_usd + e.micro_usd
      from ended e where j.id = e.job_id
    )
    select job_id as "jobId", attempt::int as attempt, windows, reserved_micro_usd as "heldMicroUsd",
      reserved_tokens as "heldTokens", micro_usd as "microUsd", tokens
    from ended
  `);
  await settleWindows(
    tx,
    ended.map(({ jobId, attempt, windows, heldMicroUsd, heldTokens, microUsd, tokens }) => ({
      of: { jobId, attempt },
      windows,
      reserved: { microUsd: heldMicroUsd, tokens: heldTokens },
      spent: { microUsd, tokens },
    })),
  );
}
