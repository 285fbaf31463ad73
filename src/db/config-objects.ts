import type { ConfigObject } from '../domain/plan.ts';
import type { Queryable } from './db.ts';
import type { Sql } from './sql.ts';
import { ALWAYS, sql } from './sql.ts';

/** What runs: the objects of the revision in force, retired ones left out. */
export function listConfigObjects(db: Queryable, repoId: number): Promise<ConfigObject[]> {
  return db.query<ConfigObject>(sql`
    select kind, name, spec, hash, line from config_object
    where repo_id = ${repoId} and retired_at is null
    order by kind, name
  `);
}

/** Writes objects that were added or changed; the revision that did so is kept on each. */
export async function upsertConfigObjects(
  tx: Queryable,
  { repoId, revisionId }: { repoId: number; revisionId: number },
  objects: readonly ConfigObject[],
): Promise<void> {
  await tx.query(objectsUpsert({ repoId, revisionId: sql`${revisionId}` }, objects));
}

/** The statement of upsertConfigObjects. It writes only when `from`, an item of a `from` clause, has a row. */
export function objectsUpsert(
  { repoId, revisionId }: { repoId: number; revisionId: Sql },
  objects: readonly ConfigObject[],
  from: Sql = ALWAYS,
): Sql {
  return sql`
    insert into config_object (repo_id, kind, name, spec, hash, line, revision_id)
    select ${repoId}::int, o.kind, o.name, o.spec, o.hash, o.line, ${revisionId}::bigint
    from ${from}, jsonb_to_recordset(${JSON.stringify(objects)}::jsonb)
      as o(kind text, name text, spec jsonb, hash text, line int)
    on conflict (repo_id, kind, name) do update
    set spec = excluded.spec, hash = excluded.hash, line = excluded.line,
        revision_id = excluded.revision_id, retired_at = null
  `;
}

/**
 * The statement for objects that only moved to another line of the file: they keep their revision. It writes only when
 * `from`, an item of a `from` clause, has a row.
 */
export function objectsMove(
  repoId: number,
  objects: readonly Pick<ConfigObject, 'kind' | 'name' | 'line'>[],
  from: Sql = ALWAYS,
): Sql {
  const lines = objects.map(({ kind, name, line }) => ({ kind, name, line }));
  return sql`
    update config_object c set line = o.line
    from ${from}, jsonb_to_recordset(${JSON.stringify(lines)}::jsonb) as o(kind text, name text, line int)
    where c.repo_id = ${repoId} and c.kind = o.kind and c.name = o.name
      and c.line <> o.line and c.retired_at is null
  `;
}

/** Takes objects out of force; their rows stay, so that a job can be traced to what asked for it. */
export async function retireConfigObjects(
  tx: Queryable,
  repoId: number,
  objects: readonly Pick<ConfigObject, 'kind' | 'name'>[],
): Promise<void> {
  await tx.query(objectsRetire(repoId, objects));
}

/** The statement of retireConfigObjects. It writes only when `from`, an item of a `from` clause, has a row. */
export function objectsRetire(
  repoId: number,
  objects: readonly Pick<ConfigObject, 'kind' | 'name'>[],
  from: Sql = ALWAYS,
): Sql {
  const names = objects.map(({ kind, name }) => ({ kind, name }));
  return sql`
    update config_object c set retired_at = now()
    from ${from}, jsonb_to_recordset(${JSON.stringify(names)}::jsonb) as o(kind text, name text)
    where c.repo_id = ${repoId} and c.kind = o.kind and c.name = o.name and c.retired_at is null
  `;
}

/** The line of the file at which each object of a kind stands, by name. */
export async function listObjectLines(
  db: Queryable,
  repoId: number,
  kind: ConfigObject['kind'],
): Promise<Map<string, number>> {
  const rows = await db.query<{ name: string; line: number }>(sql`
    select name, line from config_object where repo_id = ${repoId} and kind = ${kind} and retired_at is null
  `);
  return new Map(rows.map(({ name, line }) => [name, line]));
}
