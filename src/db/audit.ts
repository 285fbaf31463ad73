import type { Queryable } from './db.ts';
import type { Sql } from './sql.ts';
import { ALWAYS, sql } from './sql.ts';

export interface AuditEntry {
  /** Who acted: a person's name, or `autodev`. */
  readonly actor: string;
  /** What was done, as `noun.verb`: `job.cancel`, `repo.add`. */
  readonly action: string;
  /** What it was done to, as people name it: `j_12`, `group/app`. */
  readonly target: string;
  readonly repoId?: number;
  readonly detail?: Readonly<Record<string, unknown>>;
}

/** Records an act in the transaction that carries it out, so that neither stands without the other. */
export async function writeAudit(tx: Queryable, entry: AuditEntry): Promise<void> {
  await tx.query(auditInsert(entry));
}

/** The statement of writeAudit. It writes only when `from`, an item of a `from` clause, has a row. */
export function auditInsert(
  { actor, action, target, repoId, detail = {} }: AuditEntry,
  from: Sql = ALWAYS,
): Sql {
  return sql`
    insert into audit (actor, action, target, repo_id, detail)
    select ${actor}::text, ${action}::text, ${target}::text, ${repoId}::int, ${JSON.stringify(detail)}::jsonb
    from ${from}
  `;
}
