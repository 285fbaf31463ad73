import type { Queryable } from './db.ts';
import { sql } from './sql.ts';

export interface ForgeGroup {
  readonly path: string;
  /** Globs; empty: every project. */
  readonly include: readonly string[];
  readonly exclude: readonly string[];
  readonly addedBy: string;
}

/** Follows a group, or follows it by other globs from now on. */
export async function putForgeGroup(
  db: Queryable,
  { path, include, exclude, addedBy }: ForgeGroup,
): Promise<void> {
  await db.query(sql`
    insert into forge_group (path, include, exclude, added_by, looked_at)
    values (${path}, ${include}::text[], ${exclude}::text[], ${addedBy}, now())
    on conflict (path) do update
    set include = excluded.include, exclude = excluded.exclude, added_by = excluded.added_by, looked_at = now()
  `);
}

/** One group that nobody looked at for so long, marked as looked at: others take others. Undefined: none. */
export async function takeDueGroup(
  db: Queryable,
  { everyMs }: { everyMs: number },
): Promise<ForgeGroup | undefined> {
  const [group] = await db.query<ForgeGroup>(sql`
    update forge_group set looked_at = now()
    where id = (
      select id from forge_group
      where looked_at is null or looked_at < now() - ${everyMs}::float8 * interval '1 millisecond'
      order by looked_at nulls first limit 1 for update skip locked
    )
    returning path, include, exclude, added_by as "addedBy"
  `);
  return group;
}

/** Places that were registered once, whether they still are or somebody removed them. */
export async function listKnownLocations(db: Queryable): Promise<Set<string>> {
  const rows = await db.query<{ location: string }>(
    sql`select location from repo where forge = 'gitlab'`,
  );
  return new Set(rows.map(({ location }) => location));
}
