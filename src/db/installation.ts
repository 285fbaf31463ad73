import { randomBytes } from 'node:crypto';

import type { Queryable } from './db.ts';
import { sql } from './sql.ts';

/**
 * What tells this installation from others that share a server with it: 16 hexadecimal digits, made once and the same
 * for every process on this database. A name, not a secret.
 */
export async function installationId(db: Queryable): Promise<string> {
  const mine = randomBytes(8).toString('hex');
  await db.query(sql`
    insert into instance (name, value) values ('installation', to_jsonb(${mine}::text)) on conflict do nothing
  `);
  // A statement of its own: the row of a process that was faster is invisible to the insert.
  const [row] = await db.query<{ id: string }>(
    sql`select value #>> '{}' as id from instance where name = 'installation'`,
  );
  if (row === undefined) {
    throw new Error('the installation has no id');
  }
  return row.id;
}
