import { Type } from 'typebox';
import type { Static } from 'typebox';

import type { Queryable } from '../db.ts';
import { sql } from '../sql.ts';
import { Time, orNull, time, timeOrNull } from './wire.ts';

const MOST = 20;

export const SetAside = Type.Object({
  what: Type.String({ description: 'The kind of row, e.g. `event` or `vote`' }),
  id: Type.String(),
  tries: Type.Integer(),
  error: Type.String(),
  since: Time,
  next_try_at: orNull(Time),
});

/** A row that we could not handle and went past: a bug of ours, which people should hear of. */
export type SetAside = Static<typeof SetAside>;

/** The oldest ones, at most 20. */
export async function listSetAsideRows(db: Queryable): Promise<SetAside[]> {
  const rows = await db.query<{
    sweep: string;
    row_id: number;
    tries: number;
    error: string;
    first_at: Date;
    due_at: Date | null;
  }>(sql`
    select sweep, row_id, tries::int as tries, error, first_at, due_at from setback order by first_at limit ${MOST}
  `);
  return rows.map((row) => ({
    what: row.sweep,
    id: String(row.row_id),
    tries: row.tries,
    error: row.error,
    since: time(row.first_at),
    next_try_at: timeOrNull(row.due_at),
  }));
}

/** How often each kind of row failed since the beginning. */
export async function countFaults(db: Queryable): Promise<Record<string, number>> {
  const rows = await db.query<{ sweep: string; total: number }>(
    sql`select sweep, total from fault`,
  );
  return Object.fromEntries(rows.map(({ sweep, total }) => [sweep, total]));
}
