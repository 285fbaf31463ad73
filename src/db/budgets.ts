import type { Spend } from '../domain/budget.ts';
import type { Period } from '../domain/spec.ts';
import type { Queryable } from './db.ts';
import { sql } from './sql.ts';

type BudgetUnit = 'micro_usd' | 'tokens';

/** What is counted, and over which time. Never a rule's name: a changed cap leaves what was spent. */
export interface WindowKey {
  /** `fleet`, `group:P`, `repo:ID`, `agent:ID:NAME`, `root:JOB`. */
  readonly scope: string;
  readonly unit: BudgetUnit;
  readonly period: Period | 'lifetime';
  readonly startsAt: Date;
  /** Null: never (`lifetime`). */
  readonly endsAt: Date | null;
}

/** A window whose row is locked until the transaction ends. Amounts in its unit. */
export interface LockedWindow extends WindowKey {
  readonly id: number;
  readonly spent: number;
  readonly reserved: number;
}

/**
 * Makes the windows that are missing and locks all of them, in the order of their ids. Call it once in a
 * transaction and after everything that locks jobs, lanes and slots: windows are the last in the lock order.
 */
export async function lockWindows(
  tx: Queryable,
  keys: readonly WindowKey[],
): Promise<LockedWindow[]> {
  if (keys.length === 0) {
    return [];
  }
  const given = sql`unnest(${keys.map((key) => key.scope)}::text[], ${keys.map((key) => key.unit)}::text[],
    ${keys.map((key) => key.period)}::text[], ${keys.map((key) => key.startsAt)}::timestamptz[],
    ${keys.map((key) => key.endsAt)}::timestamptz[]) as k(scope, unit, period, starts_at, ends_at)`;
  await tx.query(sql`
    insert into budget_window (scope, unit, period, starts_at, ends_at)
    select distinct k.* from ${given} order by 1, 2, 3, 4
    on conflict do nothing
  `);
  return tx.query<LockedWindow>(sql`
    select w.id, w.scope, w.unit, w.period, w.starts_at as "startsAt", w.ends_at as "endsAt", w.spent, w.reserved
    from budget_window w
    where (w.scope, w.unit, w.period, w.starts_at) in (select k.scope, k.unit, k.period, k.starts_at from ${given})
    order by w.id for update
  `);
}

/** Holds amounts in windows that this transaction has locked. */
export async function holdInWindows(
  tx: Queryable,
  holds: readonly { readonly id: number; readonly amount: number }[],
): Promise<void> {
  await tx.query(sql`
    update budget_window w set reserved = w.reserved + h.amount
    from (
      select id, sum(amount)::bigint as amount
      from unnest(${holds.map(({ id }) => id)}::bigint[], ${holds.map(({ amount }) => amount)}::bigint[]) t(id, amount)
      group by id
    ) h where w.id = h.id
  `);
}

/** An attempt's reservation that is over, and what was spent of it. */
export interface Settlement {
  /** The windows that it was claimed in: there the spend is booked, whatever the time is now. */
  readonly windows: readonly number[];
  readonly reserved: Spend;
  readonly spent: Spend;
}

/** Releases reservations and books spend. Locks the windows in the order of their ids. */
export async function settleWindows(
  tx: Queryable,
  settlements: readonly Settlement[],
): Promise<void> {
  const parts = settlements.flatMap(({ windows, reserved, spent }) =>
    windows.map((id) => ({
      id,
      held_usd: reserved.microUsd,
      held_tokens: reserved.tokens,
      usd: spent.microUsd,
      tokens: spent.tokens,
    })),
  );
  if (parts.length === 0) {
    return;
  }
  await tx.query(sql`
    select 1 from budget_window where id = any (${parts.map(({ id }) => id)}::bigint[]) order by id for update
  `);
  await tx.query(sql`
    update budget_window w set
      reserved = greatest(0, w.reserved - case w.unit when 'tokens' then p.held_tokens else p.held_usd end),
      spent = w.spent + case w.unit when 'tokens' then p.tokens else p.usd end
    from (
      select id, sum(held_usd)::bigint as held_usd, sum(held_tokens)::bigint as held_tokens, sum(usd)::bigint as usd,
        sum(tokens)::bigint as tokens
      from jsonb_to_recordset(${JSON.stringify(parts)}::jsonb)
        as t(id bigint, held_usd bigint, held_tokens bigint, usd bigint, tokens bigint)
      group by id
    ) p where w.id = p.id
  `);
}

/** What people granted to a root job beyond its own limit. */
export async function grantedTo(db: Queryable, rootId: number): Promise<Spend> {
  const [row] = await db.query<Spend>(sql`
    select coalesce(sum(micro_usd), 0)::bigint as "microUsd", coalesce(sum(tokens), 0)::bigint as tokens
    from budget_grant where job_id = ${rootId}::bigint
  `);
  return row ?? { microUsd: 0, tokens: 0 };
}
