import type { WindowKey } from '../domain/budget-caps.ts';
import type { Spend } from '../domain/budget.ts';
import type { Queryable } from './db.ts';
import { type AttemptOf, giveBackGrants } from './grant-uses.ts';
import { sql } from './sql.ts';

/** A window whose row is locked until the transaction ends. Amounts in its unit. */
export interface LockedWindow extends WindowKey {
  readonly id: number;
  readonly spent: number;
  readonly reserved: number;
  /** What people added to its cap. */
  readonly raised: number;
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
    select w.id, w.scope, w.unit, w.period, w.starts_at as "startsAt", w.ends_at as "endsAt", w.spent, w.reserved,
      w.raised
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
  readonly of: AttemptOf;
  /** The windows that it was claimed in: there the spend is booked, whatever the time is now. */
  readonly windows: readonly number[];
  readonly reserved: Spend;
  readonly spent: Spend;
}

/**
 * Releases reservations and books spend; what a grant added and the attempt did not spend goes back to the grant.
 * Locks the windows in the order of their ids. Where that leaves room, jobs that wait for it look again.
 */
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
  await giveBackGrants(
    tx,
    settlements.map(({ of, reserved, spent }) => ({
      of,
      unspent: {
        microUsd: Math.max(0, reserved.microUsd - spent.microUsd),
        tokens: Math.max(0, reserved.tokens - spent.tokens),
      },
    })),
  );
  const freed = parts.filter((part) => part.held_usd > part.usd || part.held_tokens > part.tokens);
  if (freed.length > 0) {
    await pokeBudgetWaiters(
      tx,
      freed.map(({ id }) => id),
    );
  }
}

/**
 * Has every job look again that waits for a budget of these windows; the promoter queues them. It skips jobs that
 * somebody holds, so it never waits for one: they are moving anyhow.
 */
export async function pokeBudgetWaiters(
  tx: Queryable,
  windowIds: readonly number[],
): Promise<void> {
  await tx.query(sql`
    update job set wake_at = now() where id in (
      select j.id from job j
      where j.state = 2 and j.wait_reason = 'budget' and exists (
        select from budget_window w where w.id = any (${windowIds}::bigint[]) and (
          w.scope in ('fleet', 'repo:' || j.repo_id, 'root:' || coalesce(j.root_id, j.id))
          or w.scope like 'agent:' || j.repo_id || ':%' or w.scope like 'group:%'))
      for update skip locked)
  `);
}

/** Raises the caps of windows for as long as these last. Locks them in the order of their ids. */
export async function raiseWindows(
  tx: Queryable,
  raises: readonly { readonly id: number; readonly amount: number }[],
): Promise<void> {
  await tx.query(sql`
    select 1 from budget_window where id = any (${raises.map(({ id }) => id)}::bigint[]) order by id for update
  `);
  await tx.query(sql`
    update budget_window w set raised = w.raised + r.amount
    from (
      select id, sum(amount)::bigint as amount
      from unnest(${raises.map(({ id }) => id)}::bigint[], ${raises.map(({ amount }) => amount)}::bigint[]) t(id, amount)
      group by id
    ) r where w.id = r.id
  `);
}
