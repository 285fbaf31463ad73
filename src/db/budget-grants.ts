import type { Spend } from '../domain/budget.ts';
import type { Queryable } from './db.ts';
import { sql } from './sql.ts';

/** Records a person's one-time raise for a root job and what follows from it; claims add it to what it may spend. */
export async function insertGrant(
  tx: Queryable,
  {
    rootId,
    microUsd,
    actor,
    reason,
  }: {
    rootId: number;
    microUsd: number;
    actor: string;
    reason?: string;
  },
): Promise<void> {
  await tx.query(sql`
    insert into budget_grant (job_id, micro_usd, actor, reason)
    values (${rootId}, ${microUsd}, ${actor}, ${reason ?? null})
  `);
}

/**
 * What people granted to a root job beyond its own limit, and what of it no claim has used beyond a window yet. The
 * grants are locked: of two claims for one root only one may take them. Behind the windows in the lock order.
 */
export async function grantedTo(
  db: Queryable,
  rootId: number,
): Promise<{ total: Spend; unused: Spend }> {
  const [row] = await db.query<{
    microUsd: number;
    tokens: number;
    unusedMicroUsd: number;
    unusedTokens: number;
  }>(sql`
    select coalesce(sum(micro_usd), 0)::bigint as "microUsd", coalesce(sum(tokens), 0)::bigint as tokens,
      coalesce(sum(micro_usd - used_micro_usd), 0)::bigint as "unusedMicroUsd",
      coalesce(sum(tokens - used_tokens), 0)::bigint as "unusedTokens"
    from (select * from budget_grant where job_id = ${rootId}::bigint order by id for update) g
  `);
  const { microUsd = 0, tokens = 0, unusedMicroUsd = 0, unusedTokens = 0 } = row ?? {};
  return {
    total: { microUsd, tokens },
    unused: { microUsd: unusedMicroUsd, tokens: unusedTokens },
  };
}

/**
 * Takes an amount from what was granted to a root job, the oldest grant first. The amount is at most what
 * `grantedTo` calls unused: the caller has a job of the root claimed, and holds the windows that it raises.
 */
export async function takeFromGrants(
  tx: Queryable,
  rootId: number,
  { microUsd, tokens }: Spend,
): Promise<void> {
  await tx.query(sql`
    with free as (
      select id, micro_usd - used_micro_usd as money, tokens - used_tokens as tokens,
        coalesce(sum(micro_usd - used_micro_usd) over w, 0) as money_before,
        coalesce(sum(tokens - used_tokens) over w, 0) as tokens_before
      from budget_grant where job_id = ${rootId}::bigint
      window w as (order by id rows between unbounded preceding and 1 preceding)
    )
    update budget_grant g set
      used_micro_usd = used_micro_usd + greatest(0, least(f.money, ${microUsd}::bigint - f.money_before)),
      used_tokens = used_tokens + greatest(0, least(f.tokens, ${tokens}::bigint - f.tokens_before)),
      used_at = coalesce(used_at, now())
    from free f
    where f.id = g.id and (f.money_before < ${microUsd}::bigint or f.tokens_before < ${tokens}::bigint)
  `);
}
