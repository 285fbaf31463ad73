import type { CredentialState } from '../domain/fallback.ts';
import type { Queryable } from './db.ts';
import { sql } from './sql.ts';

/** What a call showed of a credential, shared by all runners. */
export interface CredentialNews {
  /** Provider and which key of it; never the key. */
  readonly name: string;
  readonly state: 'ok' | 'throttled' | 'exhausted' | 'auth_error';
  /** When it is free again; undefined with `ok` and `auth_error`. */
  readonly until: Date | undefined;
  /** One sentence for people. */
  readonly detail: string;
  /** When the call was made that showed it. */
  readonly since: Date;
}

/**
 * Writes what is known now, unless the row knows better: calls of many runners overlap. A success lifts only what
 * was seen before that call began; a limit never shortens one that lasts longer; a refused key stays refused until
 * a call with it succeeds. Answers whether the row changed.
 */
export async function recordCredential(
  db: Queryable,
  { name, state, until, detail, since }: CredentialNews,
): Promise<boolean> {
  const rows = await db.query(sql`
    insert into credential as c (name, state, until, detail, updated_at)
    values (${name}, ${state}, ${until ?? null}, ${detail}, clock_timestamp())
    on conflict (name) do update
    set state = excluded.state, until = excluded.until, detail = excluded.detail, updated_at = excluded.updated_at
    where case excluded.state
      when 'ok' then c.state <> 'ok' and c.updated_at < ${since}
      when 'auth_error' then c.state <> 'auth_error'
      else c.state <> 'auth_error' and (c.until is null or c.until < excluded.until)
    end
    returning 1
  `);
  return rows.length > 0;
}

/** All that is known, by name. A limit that has passed is `ok`. */
export async function listCredentials(
  db: Queryable,
): Promise<Map<string, Exclude<CredentialState, { state: 'missing' }>>> {
  const rows = await db.query<{
    name: string;
    state: CredentialNews['state'];
    until: Date | null;
  }>(sql`
    select name, case when until <= now() then 'ok' else state end as state, until from credential
  `);
  return new Map(rows.map(({ name, state, until }) => [name, stateOf(state, until)]));
}

/** For a person who has put another key in place, or paid. Answers whether there was anything to forget. */
export async function forgetCredential(db: Queryable, name: string): Promise<boolean> {
  const rows = await db.query(sql`delete from credential where name = ${name} returning 1`);
  return rows.length > 0;
}

function stateOf(
  state: CredentialNews['state'],
  until: Date | null,
): Exclude<CredentialState, { state: 'missing' }> {
  return state === 'ok' || state === 'auth_error'
    ? { state }
    : { state, until: until?.getTime() ?? 0 };
}
