import type { ConfigObject } from '../domain/plan.ts';
import type { Queryable } from './db.ts';
import { sql } from './sql.ts';

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
  await tx.query(sql`
    insert into config_object (repo_id, kind, name, spec, hash, line, revision_id)
    select ${repoId}, o.kind, o.name, o.spec, o.hash, o.line, ${revisionId}
    from jsonb_to_recordset(${JSON.stringify(objects)}::jsonb)
      as o(kind text, name text, spec jsonb, hash text, line int)
    on conflict (repo_id, kind, name) do update
    set spec = excluded.spec, hash = excluded.hash, line = excluded.line,
        revision_id = excluded.revision_id, retired_at = null
  `);
}

/** Objects that only moved to another line of the file keep their revision. */
export async function moveConfigObjects(
  tx: Queryable,
  repoId: number,
  objects: readonly Pick<ConfigObject, 'kind' | 'name' | 'line'>[],
): Promise<void> {
  await tx.query(sql`
    update config_object c set line = o.line
    from jsonb_to_recordset(${JSON.stringify(objects)}::jsonb) as o(kind text, name text, line int)
    where c.repo_id = ${repoId} and c.kind = o.kind and c.name = o.name
      and c.line <> o.line and c.retired_at is null
  `);
}

/** Takes objects out of force; their rows stay, so that a job can be traced to what asked for it. */
export async function retireConfigObjects(
  tx: Queryable,
  repoId: number,
  objects: readonly Pick<ConfigObject, 'kind' | 'name'>[],
): Promise<void> {
  await tx.query(sql`
    update config_object c set retired_at = now()
    from jsonb_to_recordset(${JSON.stringify(objects)}::jsonb) as o(kind text, name text)
    where c.repo_id = ${repoId} and c.kind = o.kind and c.name = o.name and c.retired_at is null
  `);
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
