import { readFile } from 'node:fs/promises';
import { userInfo } from 'node:os';

import { AppError } from '../../kernel/errors.ts';

/** Whom a child process runs as, in `spawn`'s words; empty: as we do. */
export interface Account {
  uid?: number;
  gid?: number;
}

const REMEDY = 'set DATABASE_URL to a PostgreSQL server';

/**
 * Whom PostgreSQL runs as. It refuses to run as root, so root lends it to an account without rights; and
 * it refuses a user id without a name, as containers with a random one have.
 *
 * @throws {AppError} DATABASE_UNAVAILABLE when there is no account to run it.
 */
export async function postgresAccount(): Promise<Account> {
  if (process.getuid?.() !== 0) {
    try {
      userInfo();
      return {};
    } catch (error) {
      throw new AppError(
        'DATABASE_UNAVAILABLE',
        'PostgreSQL cannot run here: this user id has no entry in /etc/passwd',
        { cause: error, remedy: REMEDY },
      );
    }
  }

  const passwd = (await readFile('/etc/passwd', 'utf8')).split('\n').map((line) => line.split(':'));
  for (const name of ['postgres', 'nobody']) {
    const [, , uid, gid] = passwd.find(([account]) => account === name) ?? [];
    if (uid !== undefined && gid !== undefined) {
      return { uid: Number(uid), gid: Number(gid) };
    }
  }
  throw new AppError(
    'DATABASE_UNAVAILABLE',
    'PostgreSQL does not run as root, and there is neither an account "postgres" nor "nobody" for it',
    { remedy: `run Auto-Dev as an ordinary user, or ${REMEDY}` },
  );
}
