import type { Spend } from '../domain/budget.ts';
import type { Queryable } from './db.ts';
import { sql } from './sql.ts';

/** An attempt of a job. */
export interface AttemptOf {
  readonly jobId: number;
  readonly attempt: number;
}

/** Notes by how much an attempt's grant raised windows, so that what it does not spend can be given back. */
export async function noteGrantUses(
  tx: Queryable,
  { jobId, attempt, rootId }: AttemptOf & { readonly rootId: number },
  raises: readonly { readonly id: number; readonly amount: number }[],
): Promise<void> {
  await tx.query(sql`
    insert into grant_use (job_id, attempt, root_id, window_id, amount)
    select ${jobId}::bigint, ${attempt}::smallint, ${rootId}::bigint, t.id, t.amount
    from unnest(${raises.map(({ id }) => id)}::bigint[], ${raises.map(({ amount }) => amount)}::bigint[]) t(id, amount)
  `);
}

/**
 * Takes back from windows what grants raised them by and their attempts did not spend, and returns it to the grants:
 * they are for these jobs alone. The caller holds the windows; grants are locked behind them.
 */
export async function giveBackGrants(
  tx: Queryable,
  ended: readonly { readonly of: AttemptOf; readonly unspent: Spend }[],
): Promise<void> {
  const rows = ended.map(({ of: { jobId, attempt }, unspent: { microUsd, tokens } }) => ({
    job_id: jobId,
    attempt,
    micro_usd: microUsd,
    tokens,
  }));
  const returns = await tx.query<{ rootId: number } & Spend>(sql`
    with e as (
      select * from jsonb_to_recordset(${JSON.stringify(rows)}::jsonb)
        as t(job_id bigint, attempt smallint, micro_usd bigint, tokens bigint)
    ), gone as (
      delete from grant_use u using e, budget_window w
      where u.job_id = e.job_id and u.attempt = e.attempt and w.id = u.window_id
      returning u.job_id, u.attempt, u.root_id, u.window_id, w.unit,
        least(u.amount, case w.unit when 'tokens' then e.tokens else e.micro_usd end) as back
    ), lowered as (
      update budget_window w set raised = greatest(0, w.raised - b.back)
      from (select window_id, sum(back)::bigint as back from gone group by 1) b where w.id = b.window_id
    ), of_attempts as (
      -- One grant raised all windows of an attempt, each by the part that it needed.
      select root_id, coalesce(max(back) filter (where unit = 'micro_usd'), 0) as micro_usd,
        coalesce(max(back) filter (where unit = 'tokens'), 0) as tokens
      from gone group by root_id, job_id, attempt
    )
    select root_id as "rootId", sum(micro_usd)::bigint as "microUsd", sum(tokens)::bigint as tokens
    from of_attempts group by root_id order by root_id
  `);
  for (const { rootId, ...back } of returns) {
    await returnToGrants(tx, rootId, back);
  }
}

/** The newest grant first: it was used last. */
async function returnToGrants(
  tx: Queryable,
  rootId: number,
  { microUsd, tokens }: Spend,
): Promise<void> {
  await tx.query(sql`select 1 from budget_grant where job_id = ${rootId} order by id for update`);
  await tx.query(sql`
    with used as (
      select id, used_micro_usd as money, used_tokens as tokens,
        coalesce(sum(used_micro_usd) over w, 0) as money_before, coalesce(sum(used_tokens) over w, 0) as tokens_before
      from budget_grant where job_id = ${rootId}
      window w as (order by id desc rows between unbounded preceding and 1 preceding)
    )
    update budget_grant g set
      used_micro_usd = used_micro_usd - greatest(0, least(u.money, ${microUsd}::bigint - u.money_before)),
      used_tokens = used_tokens - greatest(0, least(u.tokens, ${tokens}::bigint - u.tokens_before))
    from used u where u.id = g.id
  `);
}
