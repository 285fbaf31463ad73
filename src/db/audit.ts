import type { Queryable } from './db.ts';
import { sql } from './sql.ts';

interface AuditEntry {
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
export async function writeAudit(
  tx: Queryable,
  { actor, action, target, repoId, detail = {} }: AuditEntry,
): Promise<void> {
  await tx.query(sql`
    insert into audit (actor, action, target, repo_id, detail)
    values (${actor}, ${action}, ${target}, ${repoId}::int, ${JSON.stringify(detail)}::jsonb)
  `);
}
