import type { Static } from 'typebox';
import { Type } from 'typebox';

import type { Queryable } from '../db.ts';
import { sql } from '../sql.ts';
import { snakeKeys } from './wire-json.ts';
import type { Page } from './wire.ts';
import { Json, RepoRef, Time, orNull, page, repoRef, time } from './wire.ts';

export const AuditEntry = Type.Object({
  id: Type.String(),
  at: Time,
  actor: Type.String(),
  action: Type.String(),
  target: Type.String(),
  repo: orNull(RepoRef),
  detail: Json,
});

/** Who did what. */
export type AuditEntry = Static<typeof AuditEntry>;

interface AuditRow {
  id: number;
  at: Date;
  actor: string;
  action: string;
  target: string;
  repo_id: number | null;
  path: string | null;
  detail: unknown;
}

/** The record of acts, newest first. */
export async function listAudit(
  db: Queryable,
  { repoId }: { repoId?: number | undefined },
  { limit, before }: { limit: number; before?: number | undefined },
): Promise<Page<AuditEntry>> {
  const ofRepo = repoId === undefined ? sql`true` : sql`a.repo_id = ${repoId}`;
  const older = before === undefined ? sql`true` : sql`a.id < ${before}`;
  const rows = await db.query<AuditRow>(sql`
    select a.id, a.at, a.actor, a.action, a.target, a.repo_id, r.path, a.detail
    from audit a left join repo r on r.id = a.repo_id
    where ${ofRepo} and ${older} order by a.id desc limit ${limit + 1}`);

  return page(rows, limit, {
    key: (row) => row.id,
    item: ({ repo_id: id, path, ...row }) => ({
      ...row,
      id: String(row.id),
      at: time(row.at),
      detail: snakeKeys(row.detail),
      repo: id === null ? null : repoRef(id, path ?? '(removed)'),
    }),
  });
}
