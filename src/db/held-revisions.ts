import type { Queryable } from './db.ts';
import { openGate, type NamedRule } from './gates.ts';
import { sql } from './sql.ts';

/** Whether people let a commit's configuration in by their votes. */
export async function isConfigApproved(
  db: Queryable,
  { repoId, commit }: { repoId: number; commit: string },
): Promise<boolean> {
  const rows = await db.query(sql`
    select 1 from gate
    where repo_id = ${repoId} and kind = 'config' and state = 'approved' and head = ${commit} limit 1
  `);
  return rows.length > 0;
}

/** Asks people about a commit's configuration, once; what was asked about other commits is superseded. */
export async function askAboutConfig(
  tx: Queryable,
  {
    repoId,
    commit,
    title,
    body,
    rules,
  }: { repoId: number; commit: string; title: string; body: string; rules: readonly NamedRule[] },
): Promise<void> {
  await tx.query(sql`select 1 from repo where id = ${repoId} for no key update`);
  const [known] = await tx.query(sql`
    select 1 from gate
    where repo_id = ${repoId} and kind = 'config' and job_id is null and merge_request_id is null and head = ${commit}
  `);
  if (known) {
    return;
  }
  await tx.query(sql`
    update gate set state = 'superseded', closed_at = now()
    where repo_id = ${repoId} and kind = 'config' and state = 'open' and job_id is null and merge_request_id is null
      and title like 'Unreviewed %'
  `);
  await openGate(tx, { repoId, jobId: null, kind: 'config', head: commit, title, body, rules });
}
