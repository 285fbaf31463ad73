import type { Queryable } from '../../db/db.ts';
import { findRepoId } from '../../db/views/repo-list.ts';
import { AppError } from '../../kernel/errors.ts';

/** The number in `j_12` or `g_3`; the routes' schemas have seen to the form. */
export function numberOf(id: string): number {
  return Number(id.slice(id.indexOf('_') + 1));
}

/**
 * The repository that a request names by id or path.
 *
 * @throws {AppError} NOT_FOUND
 */
export async function repoIdOf(db: Queryable, name: string): Promise<number> {
  // Postgres keeps no NUL in a text: such a name is nobody's.
  const id = name.includes('\0') ? undefined : await findRepoId(db, name);
  if (id === undefined) {
    throw new AppError('NOT_FOUND', `there is no repository ${name}`, {
      remedy: '`autodev repos` lists those that are registered',
    });
  }
  return id;
}

/** The same where naming one is optional. */
export async function optionalRepoId(
  db: Queryable,
  name: string | undefined,
): Promise<number | undefined> {
  return name === undefined ? undefined : repoIdOf(db, name);
}

/** @throws {AppError} NOT_FOUND when `found` is undefined. */
export function found<T>(value: T | undefined, what: string): T {
  if (value === undefined) {
    throw new AppError('NOT_FOUND', `there is no ${what}`);
  }
  return value;
}
