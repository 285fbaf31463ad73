import { Client } from 'pg';

import { databaseError } from '../database-error.ts';

interface RoleOptions {
  /** As the superuser, to the database `postgres`. */
  admin: string;
  /** Of the role `autodev`. */
  password: string;
}

/** Any number, the same in every process that starts a server. */
const LOCK = 2_886_337;

/**
 * Makes the role `autodev`, which owns the database `autodev` and nothing else: no superuser, no right to
 * make roles or databases. The product never connects as anybody else.
 */
export async function ensureRoles({ admin, password }: RoleOptions): Promise<void> {
  const client = new Client({ connectionString: admin, connectionTimeoutMillis: 10_000 });
  client.on('error', () => {});
  try {
    await client.connect();
    // Two processes may find the same new cluster; the lock ends with the connection.
    await client.query('select pg_advisory_lock($1)', [LOCK]);
    const { rows } = await client.query<{ role: boolean; database: boolean }>(
      `select exists (select from pg_roles where rolname = 'autodev') as role,
        exists (select from pg_database where datname = 'autodev') as database`,
    );
    if (rows[0]?.role !== true) {
      const literal = client.escapeLiteral(password);
      await client.query(
        `create role autodev login nosuperuser nocreatedb nocreaterole password ${literal}`,
      );
    }
    if (rows[0]?.database !== true) {
      await client.query('create database autodev owner autodev');
    }
  } catch (error) {
    throw databaseError(error);
  } finally {
    await client.end().catch(() => {});
  }
}
