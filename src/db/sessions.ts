import type { Queryable } from './db.ts';
import { sql } from './sql.ts';

interface NewSession {
  /** SHA-256 of the cookie: who reads the table cannot sign in. */
  hash: Buffer;
  owner: string;
  role: string;
  expiresAt: Date;
}

/** Keeps a signed-in browser, and forgets those whose time is over. */
export async function insertSession(
  db: Queryable,
  { hash, owner, role, expiresAt }: NewSession,
): Promise<void> {
  await db.query(sql`
    with expired as (delete from session where expires_at < now())
    insert into session (hash, owner, role, expires_at) values (${hash}, ${owner}, ${role}, ${expiresAt})`);
}

export async function isLiveSession(db: Queryable, hash: Buffer, now: Date): Promise<boolean> {
  const rows = await db.query(
    sql`select from session where hash = ${hash} and expires_at > ${now}`,
  );
  return rows.length > 0;
}
