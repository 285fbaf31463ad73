import type { Db, Queryable } from './db.ts';
import { sql } from './sql.ts';

/** How many ids a partition holds; `ensure_partitions` makes them so. */
const PARTITION_SIZE = 100_000;
const ROWS_AT_ONCE = 1000;

type Partitioned = 'job_done' | 'job_event' | 'transcript';

/** The newest row of each says how old its partition is. */
const TIMES = {
  job_done: sql`ended_at`,
  job_event: sql`at`,
  transcript: sql`at`,
} as const;

/**
 * Drops the partitions of a table of which every row is older than `days`: no row is deleted one by one, and none
 * is dropped early. Partitions to which ids may still be added (those of live jobs and of ids to come) stay.
 * Answers how many were dropped.
 */
export async function dropOldPartitions(
  db: Db,
  table: Partitioned,
  { days }: { days: number },
): Promise<number> {
  let dropped = 0;
  for (const partition of await listClosedPartitions(db, table)) {
    dropped += (await db.transaction((tx) => dropIfOld(tx, { partition, table, days }))) ? 1 : 0;
  }
  return dropped;
}

/** Partitions that get no more rows but from jobs that end in them. */
async function listClosedPartitions(db: Queryable, table: Partitioned): Promise<string[]> {
  const rows = await db.query<{ name: string }>(sql`
    select c.relname as name
    from pg_inherits i join pg_class c on c.oid = i.inhrelid
    where i.inhparent = to_regclass(${table}) and c.relname ~ '_[0-9]+$'
      and (substring(c.relname from '[0-9]+$')::bigint + 1) * ${PARTITION_SIZE}::bigint
        <= least((select last_value from job_id_seq), coalesce((select min(id) from job), 9223372036854775807))
    order by substring(c.relname from '[0-9]+$')::bigint
  `);
  return rows.map(({ name }) => name);
}

/**
 * A function of the database's own does the naming: a table's name cannot be a parameter. Whoever waits for it waits
 * for everybody else on that table, so it gives up soon and the next round tries again.
 */
async function dropIfOld(
  tx: Queryable,
  { partition, table, days }: { partition: string; table: Partitioned; days: number },
): Promise<boolean> {
  const rows = await tx.query(sql`
    select 1 from ${TABLES[table]}
    where tableoid = to_regclass(${partition}) and ${TIMES[table]} > now() - ${days}::int * interval '1 day'
    limit 1
  `);
  if (rows.length > 0) {
    return false;
  }
  await tx.query(sql`set local lock_timeout = '2s'`);
  await tx.query(sql`select drop_partition(${partition})`);
  return true;
}

const TABLES = {
  job_done: sql`job_done`,
  job_event: sql`job_event`,
  transcript: sql`transcript`,
} as const;

/**
 * Deletes results of jobs that ended more than `days` ago and have nothing staged that could still be released.
 * Answers how many.
 */
export function deleteOldArtifacts(db: Queryable, { days }: { days: number }): Promise<number> {
  return inBatches(() =>
    db.query(sql`
      delete from artifact where id in (
        select a.id from artifact a join job_done d on d.id = a.job_id
        where d.ended_at < now() - ${days}::int * interval '1 day'
          and not exists (select from effect e where e.job_id = a.job_id and e.state = 'staged')
        order by a.id limit ${ROWS_AT_ONCE})
      returning 1
    `),
  );
}

/** Deletes events that were handled more than `days` ago; the first start stays, it happens once. */
export function deleteOldEvents(db: Queryable, { days }: { days: number }): Promise<number> {
  return inBatches(() =>
    db.query(sql`
      delete from event where id in (
        select id from event
        where handled_at < now() - ${days}::int * interval '1 day' and type <> 'first_start'
        order by id limit ${ROWS_AT_ONCE})
      returning 1
    `),
  );
}

async function inBatches(remove: () => Promise<unknown[]>): Promise<number> {
  let total = 0;
  for (;;) {
    const { length } = await remove();
    total += length;
    if (length < ROWS_AT_ONCE) {
      return total;
    }
  }
}
