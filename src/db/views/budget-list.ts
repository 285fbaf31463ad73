import type { Static } from 'typebox';
import { Type } from 'typebox';

import type { BudgetSpec } from '../../domain/spec.ts';
import type { Queryable } from '../db.ts';
import { sql } from '../sql.ts';
import { RepoRef, Time, orNull, repoRef, timeOrNull, usd } from './wire.ts';

export const Budget = Type.Object({
  repo: RepoRef,
  name: Type.String({ description: 'Of the rule in autodev.yaml' }),
  scope: Type.String({ description: '`repo`, or an agent' }),
  per: Type.Enum(['hour', 'day', 'week', 'month']),
  unit: Type.Enum(['usd', 'tokens']),
  limit: Type.Number({ description: 'What people added for this window included' }),
  raised: Type.Number({ description: 'What people added for this window' }),
  spent: Type.Number(),
  reserved: Type.Number({ description: 'Held by attempts that run' }),
  left: Type.Number(),
  on_exhausted: Type.String(),
  starts_at: orNull(Time),
  ends_at: orNull(Time),
});

/** A limit of autodev.yaml against the window that is open now; without one nothing was spent in it yet. */
export type Budget = Static<typeof Budget>;

interface BudgetRow {
  repo_id: number;
  path: string;
  name: string;
  spec: BudgetSpec;
  unit: 'micro_usd' | 'tokens';
  starts_at: Date | null;
  ends_at: Date | null;
  spent: number;
  reserved: number;
  raised: number;
}

/**
 * The budgets of a repository, or of all of them, by repository and name. A rule that limits both money and
 * tokens makes two. Windows that are not open are history and not shown.
 *
 * `repos` holds what a page covers: the next page begins behind the repository `after`.
 */
export async function listBudgets(
  db: Queryable,
  { repoId }: { repoId?: number | undefined },
  { limit, after = 0, now }: { limit: number; after?: number | undefined; now: Date },
): Promise<{ items: Budget[]; next: string | null }> {
  const ofRepo = repoId === undefined ? sql`true` : sql`r.id = ${repoId}`;
  const rows = await db.query<BudgetRow & { more: boolean }>(sql`
    with repos as (
      select r.id, r.path, s.revision_id, lead(r.id) over (order by r.id) is not null as more
      from repo r join repo_sync s on s.repo_id = r.id
      where r.removed_at is null and r.id > ${after}::bigint and ${ofRepo}
      order by r.id limit ${limit}
    )
    select p.id as repo_id, p.path, b.name, b.spec, u.unit, w.starts_at, w.ends_at,
      coalesce(w.spent, 0) as spent, coalesce(w.reserved, 0) as reserved,
      coalesce(w.raised, 0) as raised, p.more
    from repos p
    join revision v on v.id = p.revision_id
    cross join lateral jsonb_each(v.spec -> 'budgets') b(name, spec)
    cross join lateral (values ('micro_usd', 'microUsd'), ('tokens', 'tokens')) u(unit, key)
    left join budget_window w
      on w.scope = case when b.spec ->> 'scope' = 'repo' then 'repo:' || p.id
                        else 'agent:' || p.id || ':' || (b.spec ->> 'scope') end
      and w.unit = u.unit and w.period = b.spec ->> 'per'
      and w.starts_at <= ${now} and (w.ends_at is null or w.ends_at > ${now})
    where b.spec ? u.key
    order by p.id, b.name, u.unit`);

  const last = rows.at(-1);
  return {
    items: rows.map(budgetOf),
    next: last?.more === true ? String(last.repo_id) : null,
  };
}

function budgetOf({ spec, unit, ...row }: BudgetRow): Budget {
  const isMoney = unit === 'micro_usd';
  const said = (amount: number): number => (isMoney ? usd(amount) : amount);
  const limit = ((isMoney ? spec.microUsd : spec.tokens) ?? 0) + row.raised;
  return {
    repo: repoRef(row.repo_id, row.path),
    name: row.name,
    scope: spec.scope,
    per: spec.per,
    unit: isMoney ? 'usd' : 'tokens',
    limit: said(limit),
    raised: said(row.raised),
    spent: said(row.spent),
    reserved: said(row.reserved),
    left: said(Math.max(0, limit - row.spent - row.reserved)),
    on_exhausted: spec.onExhausted,
    starts_at: timeOrNull(row.starts_at),
    ends_at: timeOrNull(row.ends_at),
  };
}
