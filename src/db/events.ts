import type { EventName } from '../domain/spec.ts';
import type { Queryable } from './db.ts';
import { isFree } from './setbacks.ts';
import type { Sql } from './sql.ts';
import { ALWAYS, sql } from './sql.ts';

export interface NewEvent {
  readonly repoId: number;
  readonly type: EventName;
  readonly payload: Readonly<Record<string, unknown>>;
  /** The same thing seen twice has the same key and is stored once. */
  readonly key: string;
  /** The effect of ours that caused it; left out: somebody else's act. */
  readonly effectId?: number;
}

export interface InboxEvent {
  readonly id: number;
  readonly repoId: number;
  readonly type: EventName;
  readonly payload: Readonly<Record<string, unknown>>;
  readonly effectId: number | null;
  /** Whose repository it is: on a forge of many people the payload says who acted and what they may do. */
  readonly forge: 'local' | 'gitlab';
}

/** The channel that wakes who handles events. */
export const EVENT_CHANNEL = 'event';

/** Stores what happened, once each, and wakes who handles it. Answers how many were new. */
export async function recordEvents(tx: Queryable, events: readonly NewEvent[]): Promise<number> {
  if (events.length === 0) {
    return 0;
  }
  const [row] = await tx.query<{ made: number }>(sql`
    with made as (${eventsInsert(events)})
    select count(*)::int as made, case when count(*) > 0 then pg_notify(${EVENT_CHANNEL}, '') end from made
  `);
  return row?.made ?? 0;
}

/**
 * The statement of recordEvents, without the word to who handles them. It writes only when `from`, an item of a
 * `from` clause, has a row, and answers a row for each that was new.
 */
export function eventsInsert(events: readonly NewEvent[], from: Sql = ALWAYS): Sql {
  return sql`
      insert into event (repo_id, type, payload, key, effect_id)
      select e.repo_id, e.type, e.payload, e.key, e.effect_id
      from ${from}, jsonb_to_recordset(${JSON.stringify(
        events.map((event) => ({
          repo_id: event.repoId,
          type: event.type,
          payload: event.payload,
          key: event.key,
          effect_id: event.effectId ?? null,
        })),
      )}::jsonb) as e(repo_id int, type text, payload jsonb, key text, effect_id bigint)
      on conflict (key) do nothing
      returning id
  `;
}

/** The oldest events that nobody has handled and that may be tried now. */
export async function listNewEvents(db: Queryable, limit: number): Promise<number[]> {
  const rows = await db.query<{ id: number }>(sql`
    select id from event where handled_at is null and ${isFree('event', sql`event.id`)} order by id limit ${limit}
  `);
  return rows.map(({ id }) => id);
}

/** Locks those of the events that nobody has handled; others skip them until the transaction ends. */
export function takeEvents(tx: Queryable, ids: readonly number[]): Promise<InboxEvent[]> {
  return tx.query<InboxEvent>(sql`
    select e.id, e.repo_id as "repoId", e.type, e.payload, e.effect_id as "effectId", r.forge
    from event e join repo r on r.id = e.repo_id where e.handled_at is null and e.id = any (${ids}::bigint[])
    order by e.id for update of e skip locked
  `);
}

/** `outcome` says what came of it: the jobs that it made, or why it made none. */
export async function settleEvent(tx: Queryable, id: number, outcome: unknown): Promise<void> {
  await tx.query(sql`
    with free as (delete from setback where sweep = 'event' and row_id = ${id})
    update event set handled_at = now(), outcome = ${JSON.stringify(outcome)}::jsonb where id = ${id}
  `);
}
