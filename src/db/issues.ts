import type { Queryable } from './db.ts';
import { sql } from './sql.ts';

export interface NewIssue {
  readonly repoId: number;
  readonly jobId: number | null;
  /** A sticky issue has one: it is edited in place and closes itself. */
  readonly key?: string;
  readonly title: string;
  readonly description: string;
  readonly labels: readonly string[];
}

/** Opens an issue in the local forge; numbers count from 1 in each repository. */
export async function insertIssue(
  tx: Queryable,
  issue: NewIssue,
): Promise<{ id: number; number: number }> {
  await tx.query(sql`select 1 from repo where id = ${issue.repoId} for no key update`);
  const [row] = await tx.query<{ id: number; number: number }>(sql`
    insert into issue (repo_id, number, job_id, key, title, description, labels)
    values (${issue.repoId}, (select coalesce(max(number), 0) + 1 from issue where repo_id = ${issue.repoId}),
      ${issue.jobId}, ${issue.key ?? null}, ${issue.title}, ${issue.description}, ${issue.labels}::text[])
    returning id, number
  `);
  if (!row) {
    throw new Error('an insert with `returning` answered no row');
  }
  return row;
}

export async function findIssueByNumber(
  db: Queryable,
  { repoId, number }: { repoId: number; number: number },
): Promise<{ id: number } | undefined> {
  const [row] = await db.query<{ id: number }>(sql`
    select id from issue where repo_id = ${repoId} and number = ${number}
  `);
  return row;
}

export interface NewNote {
  readonly repoId: number;
  readonly jobId: number | null;
  readonly mergeRequestId?: number;
  readonly issueId?: number;
  readonly author: string;
  readonly kind: 'comment' | 'review' | 'plan';
  readonly body: string;
  readonly path?: string;
  readonly line?: number;
}

export async function insertNotes(tx: Queryable, notes: readonly NewNote[]): Promise<void> {
  await tx.query(sql`
    insert into note (repo_id, merge_request_id, issue_id, job_id, author, kind, body, path, line)
    select n."repoId", n."mergeRequestId", n."issueId", n."jobId", n.author, n.kind, n.body, n.path, n.line
    from jsonb_to_recordset(${JSON.stringify(notes)}::jsonb)
      as n("repoId" int, "mergeRequestId" bigint, "issueId" bigint, "jobId" bigint, author text, kind text, body text, path text, line int)
  `);
}
