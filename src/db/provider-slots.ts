import type { Queryable } from './db.ts';
import { sql } from './sql.ts';

/**
 * Takes one of a provider's places in the fleet. False when none is free, or `maxRunning` is 0.
 *
 * Lock order: after budget windows, so last of all; two providers in one transaction in the order of their names.
 *
 * @param maxRunning the policy's `concurrency.providers`, as it is today
 */
export async function takeProviderSlot(
  tx: Queryable,
  { provider, maxRunning }: { provider: string; maxRunning: number },
): Promise<boolean> {
  await tx.query(sql`
    insert into provider_slot (provider, max_running) values (${provider}, ${maxRunning})
    on conflict (provider) do nothing
  `);
  const rows = await tx.query(sql`
    update provider_slot set running = running + 1, max_running = ${maxRunning}
    where provider = ${provider} and running < ${maxRunning}::int
    returning 1
  `);
  return rows.length > 0;
}

/** Gives a place back. */
export async function releaseProviderSlot(tx: Queryable, provider: string): Promise<void> {
  await tx.query(sql`
    update provider_slot set running = greatest(0, running - 1) where provider = ${provider}
  `);
}

/** Sets each counter to the attempts that are open: for upkeep, after runners died. Answers how many were off. */
export async function recountProviderSlots(tx: Queryable): Promise<number> {
  const rows = await tx.query(sql`
    with locked as (select provider from provider_slot order by provider for update)
    update provider_slot s set running = o.n
    from (
      select l.provider, (select count(*)::int from attempt a where a.provider = l.provider and a.ended_at is null) as n
      from locked l
    ) o
    where s.provider = o.provider and s.running <> o.n
    returning 1
  `);
  return rows.length;
}
