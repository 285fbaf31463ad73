import type { Static } from 'typebox';
import { Type } from 'typebox';

import type { Queryable } from '../db.ts';
import { sql } from '../sql.ts';
import { Time, orNull, timeOrNull } from './wire.ts';

export const RevisionTrace = Type.Object({
  id: Type.String(),
  commit: Type.String(),
  author: Type.String(),
  subject: Type.String(),
  state: Type.String(),
  applied_at: orNull(Time),
  in_force: Type.Boolean(),
  changes: Type.Array(
    Type.Object({
      action: Type.String(),
      kind: Type.String(),
      name: Type.String(),
      paths: Type.Array(Type.String()),
    }),
    { description: 'What it changed of what ran before it' },
  ),
});

/** One state of autodev.yaml: whose, and what it changed. */
export type RevisionTrace = Static<typeof RevisionTrace>;

interface RevisionRow {
  id: number;
  commit: string;
  author: string;
  subject: string;
  state: string;
  applied_at: Date | null;
  in_force: boolean;
  plan: {
    changes?: { action: string; kind: string; name: string; paths?: { path: string }[] }[];
  } | null;
}

export async function findRevision(db: Queryable, id: number): Promise<RevisionTrace | undefined> {
  const [row] = await db.query<RevisionRow>(sql`
    select v.id, v.commit, v.author, v.subject, v.state, v.applied_at, v.plan,
      coalesce(s.revision_id = v.id, false) as in_force
    from revision v left join repo_sync s on s.repo_id = v.repo_id
    where v.id = ${id}`);
  if (row === undefined) {
    return undefined;
  }
  const { plan, ...revision } = row;
  return {
    ...revision,
    id: String(row.id),
    applied_at: timeOrNull(row.applied_at),
    changes: (plan?.changes ?? []).map(({ action, kind, name, paths = [] }) => ({
      action,
      kind,
      name,
      paths: paths.map(({ path }) => path).filter((path) => path !== ''),
    })),
  };
}
