import type { Queryable } from './db.ts';
import type { Sql } from './sql.ts';
import { sql } from './sql.ts';

/** What the orchestrator does to rows one by one. Stored and shown: never rename one. */
export const SWEEPS = [
  'event',
  'vote',
  'gate_expiry',
  'cancelled_job',
  'left_behind_job',
  'merge_request',
  'forgotten_gate',
  'publishing_job',
  'handed_off_job',
  'branch',
  'proposal',
  'effect',
] as const;

export type Sweep = (typeof SWEEPS)[number];

export interface SetAside {
  readonly sweep: Sweep;
  readonly rowId: number;
}

/** Tried again after 4 s, 16 s, 1 min, 4 min, 17 min, and each hour twice; then a person has to look. */
const MOST_TRIES = 8;

/**
 * Sets a row aside that could not be handled for a reason of ours, with the error, and counts the fault. Answers
 * whether it is tried again by itself.
 */
export async function recordSetback(
  db: Queryable,
  { sweep, rowId, error }: SetAside & { readonly error: string },
): Promise<{ again: boolean }> {
  const [row] = await db.query<{ again: boolean }>(sql`
    with counted as (
      insert into fault (sweep, total) values (${sweep}, 1)
      on conflict (sweep) do update set total = fault.total + 1
    )
    insert into setback (sweep, row_id, tries, due_at, error)
    values (${sweep}, ${rowId}::bigint, 1, now() + interval '4 s', ${error})
    on conflict (sweep, row_id) do update set
      tries = setback.tries + 1, error = excluded.error, last_at = now(),
      due_at = case when setback.tries + 1 < ${MOST_TRIES}
        then now() + interval '1 s' * least(3600, power(4, setback.tries + 1)) end
    returning due_at is not null as again
  `);
  return { again: row?.again ?? false };
}

/** Counts a fault of what is not tried again. */
export async function countFault(db: Queryable, sweep: Sweep): Promise<void> {
  await db.query(sql`
    insert into fault (sweep, total) values (${sweep}, 1) on conflict (sweep) do update set total = fault.total + 1
  `);
}

/** Which rows of a sweep are set aside, whether they may be tried now or not. */
export async function listSetAside(db: Queryable, sweep: Sweep): Promise<Set<number>> {
  const rows = await db.query<{ id: number }>(sql`
    select row_id as id from setback where sweep = ${sweep}
  `);
  return new Set(rows.map(({ id }) => id));
}

/** The row was handled after all. */
export async function clearSetback(db: Queryable, { sweep, rowId }: SetAside): Promise<void> {
  await db.query(sql`delete from setback where sweep = ${sweep} and row_id = ${rowId}::bigint`);
}

/**
 * Has rows tried again now, and as often as at first: one, or all that are set aside. Answers which; those whose turn
 * has come anyhow are among them.
 */
export async function tryAgain(tx: Queryable, row?: SetAside): Promise<SetAside[]> {
  const chosen = row ? sql`sweep = ${row.sweep} and row_id = ${row.rowId}::bigint` : sql`true`;
  return tx.query<SetAside>(sql`
    update setback set due_at = now(), tries = 0 where ${chosen} returning sweep, row_id as "rowId"
  `);
}

/** The rows that are not tried again by themselves: how many, and the one that has been so for longest. */
export async function givenUp(
  db: Queryable,
): Promise<{ count: number; oldest: SetAside & { error: string } } | undefined> {
  const [row] = await db.query<SetAside & { error: string; count: number }>(sql`
    select sweep, row_id as "rowId", error, (count(*) over ())::int as count
    from setback where due_at is null order by last_at limit 1
  `);
  return row && { count: row.count, oldest: row };
}

/** Whether a row is not set aside, or is to be tried again now: for the lists that sweeps work through. */
export function isFree(sweep: Sweep, rowId: Sql): Sql {
  return sql`not exists (
    select from setback s
    where s.sweep = ${sweep} and s.row_id = ${rowId} and (s.due_at is null or s.due_at > now()))`;
}

/** Whether a row is set aside and to be tried again now. */
export function isDueAgain(sweep: Sweep, rowId: Sql): Sql {
  return sql`exists (
    select from setback s where s.sweep = ${sweep} and s.row_id = ${rowId} and s.due_at <= now())`;
}
