import type { Queryable } from './db.ts';
import { sql } from './sql.ts';

export interface Wish {
  readonly repoId: number;
  readonly type: string;
  /** The one thing that is kept equal to the wish: `note:7:12`. */
  readonly subject: string;
  /** The whole of it; what was wished before does not count any more. */
  readonly payload: Readonly<Record<string, unknown>>;
}

/**
 * Asks for something outside to be as the payload says, as an effect of ours without a job. The same wish again is no
 * effect; one that nobody has begun is replaced; one that is under way is followed by the new one. To be called by
 * one process at a time for one subject.
 */
export async function wish(tx: Queryable, { repoId, type, subject, payload }: Wish): Promise<void> {
  const text = JSON.stringify(payload);
  await tx.query(sql`
    with newest as (
      select id, state, payload from effect where subject = ${subject}::text order by id desc limit 1
    ), replaced as (
      update effect e set payload = ${text}::jsonb, tries = 0
      from newest n where e.id = n.id and e.state = 'pending' and e.payload <> ${text}::jsonb
      returning 1
    ), made as (
      insert into effect (repo_id, type, subject, payload, key)
      select ${repoId}, ${type}, ${subject}, ${text}::jsonb, ${subject} || ':' || gen_random_uuid()
      where not exists (select from replaced)
        and not exists (select from newest where payload = ${text}::jsonb and state in ('pending', 'running', 'done'))
      returning 1
    )
    select pg_notify('effect', '') from made
  `);
}

/** What marks in other people's systems are signed with. */
export async function getInstanceKey(db: Queryable): Promise<string> {
  const [row] = await db.query<{ key: string }>(sql`select key from instance_key`);
  if (!row) {
    throw new Error('the database has no instance key');
  }
  return row.key;
}
