import { chown, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';

import { execa, ExecaError } from 'execa';

import { AppError } from '../../kernel/errors.ts';
import type { Account } from './account.ts';
import { POSTGRES_MAJOR } from './binaries.ts';
import type { Places } from './places.ts';

interface ClusterOptions {
  places: Places;
  account: Account;
  /** Of the superuser `postgres`. */
  password: string;
  env: Readonly<Record<string, string>>;
  /** Skips waiting for the disk. */
  temporary: boolean;
}

/**
 * Makes the cluster when there is none.
 *
 * @throws {AppError} DATA_DIR_UNUSABLE when it is of another major version, or cannot be made.
 */
export async function ensureCluster(options: ClusterOptions): Promise<void> {
  const { clusterDir } = options.places;
  const major = await majorOf(clusterDir);

  if (major === undefined) {
    await createCluster(options);
  } else if (major !== POSTGRES_MAJOR) {
    throw new AppError(
      'DATA_DIR_UNUSABLE',
      `${clusterDir} was written by PostgreSQL ${major}, this build has ${POSTGRES_MAJOR}`,
      {
        remedy: `dump it with a PostgreSQL ${major} and restore it, or remove ${path.dirname(clusterDir)} to begin anew`,
      },
    );
  }
}

/** In a sibling first, then renamed: a killed or a second initdb never leaves half a cluster. */
async function createCluster({
  places: { clusterDir, binariesDir },
  account,
  password,
  env,
  temporary,
}: ClusterOptions): Promise<void> {
  const fresh = await mkdtemp(`${clusterDir}.`);
  const passwordFile = `${fresh}.password`;
  try {
    await writeFile(passwordFile, password, { mode: 0o600, flag: 'wx' });
    if (account.uid !== undefined && account.gid !== undefined) {
      await chown(fresh, account.uid, account.gid);
      await chown(passwordFile, account.uid, account.gid);
    }
    const settings = [
      `--pgdata=${fresh}`,
      '--username=postgres',
      `--pwfile=${passwordFile}`,
      '--auth=scram-sha-256',
      '--encoding=UTF8',
      // Sorts by code point everywhere; nothing depends on the locales a host happens to have.
      '--locale=C',
      '--locale-provider=builtin',
      '--builtin-locale=C.UTF-8',
      '--no-instructions',
      ...(temporary ? ['--no-sync'] : []),
    ];
    await execa(path.join(binariesDir, 'bin', 'initdb'), settings, {
      ...account,
      env,
      extendEnv: false,
      cwd: '/',
      stdin: 'ignore',
    });
    await rename(fresh, clusterDir);
  } catch (error) {
    // Another process may have been first: then its cluster, with the same password, is ours too.
    if ((await majorOf(clusterDir)) !== undefined) {
      return;
    }
    const reason = error instanceof ExecaError ? error.stderr : undefined;
    throw new AppError('DATA_DIR_UNUSABLE', `cannot make a database in ${clusterDir}`, {
      cause: error,
      remedy: 'look at the reason, or set DATABASE_URL to a PostgreSQL server',
      details: { reason },
    });
  } finally {
    await rm(passwordFile, { force: true });
    await rm(fresh, { recursive: true, force: true });
  }
}

async function majorOf(clusterDir: string): Promise<string | undefined> {
  const text = await readFile(path.join(clusterDir, 'PG_VERSION'), 'utf8').catch(
    (error: unknown) => {
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') {
        return undefined;
      }
      throw new AppError('DATA_DIR_UNUSABLE', `cannot read ${clusterDir}`, {
        cause: error,
        remedy:
          'run as the user who made it, or choose another data folder with --data or AUTODEV_DATA',
      });
    },
  );
  return text?.trim();
}
