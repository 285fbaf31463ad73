import { createHash } from 'node:crypto';
import {
  chmod,
  chown,
  cp,
  lstat,
  mkdir,
  mkdtemp,
  readdir,
  rename,
  rm,
  stat,
} from 'node:fs/promises';
import path from 'node:path';

import { AppError } from '../../kernel/errors.ts';
import { isReachable, reachableFolder, sharedFolder } from '../../kernel/reachable-folder.ts';
import type { Account } from './account.ts';
import type { Binaries } from './binaries.ts';

/** Where the files of one server live. All absolute. */
export interface Places {
  /** Holds the cluster and, readable by us alone, its passwords. */
  home: string;
  /** PostgreSQL's own data folder, which belongs to its account. */
  clusterDir: string;
  /** Holds `bin`, `lib` and `share`. */
  binariesDir: string;
  socketDir: string;
}

/** Socket paths are limited to 107 bytes (macOS 103), so the folder is never below the data. */
const SOCKETS = '/tmp';

/**
 * Decides where the files of the server for `dataDir` live, and makes what a cluster needs around it.
 *
 * @throws {AppError} DATA_DIR_UNUSABLE when one cannot be made, or belongs to somebody else.
 */
export async function preparePlaces(
  account: Account,
  binaries: Binaries,
  dataDir: string,
): Promise<Places> {
  const wished = path.join(path.resolve(dataDir), 'postgres');
  try {
    const home = await prepareHome(account, wished);
    return {
      home,
      clusterDir: path.join(home, 'cluster'),
      binariesDir: await reachableBinaries(account, binaries),
      socketDir: socketDirFor(home),
    };
  } catch (error) {
    if (error instanceof AppError) {
      throw error;
    }
    throw new AppError('DATA_DIR_UNUSABLE', `cannot keep the database in ${wished}`, {
      cause: error,
      remedy: 'make the folder writable, or choose another with --data or AUTODEV_DATA',
    });
  }
}

/**
 * Makes the folder of the socket, for the server's account alone.
 *
 * @throws {AppError} DATA_DIR_UNUSABLE when somebody else has taken its name.
 */
export async function makeSocketDir(account: Account, { socketDir }: Places): Promise<void> {
  await mkdir(socketDir, { mode: 0o700 }).catch(unlessExists);

  // /tmp is everybody's: somebody may have been there first, with a folder or a link of the same name.
  const found = await lstat(socketDir);
  if (!found.isDirectory() || (found.uid !== process.getuid?.() && found.uid !== account.uid)) {
    throw new AppError('DATA_DIR_UNUSABLE', `${socketDir} belongs to somebody else`, {
      remedy: 'remove it, or choose another data folder with --data or AUTODEV_DATA',
    });
  }
  await chmod(socketDir, 0o700);
  if (account.uid !== undefined && account.gid !== undefined) {
    await chown(socketDir, account.uid, account.gid);
  }
}

function socketDirFor(home: string): string {
  return path.join(SOCKETS, `autodev-pg-${process.getuid?.() ?? 0}-${shortHash(home)}`);
}

/** 0711: the account passes through to the cluster, which is its own, and sees nothing else. */
async function prepareHome(account: Account, wished: string): Promise<string> {
  const home = account.uid === undefined ? wished : await reachableFolder(wished, 'data');
  await mkdir(home, { recursive: true, mode: 0o711 });
  if (account.uid !== undefined) {
    await chmod(home, 0o711);
  }
  return home;
}

/** A copy of the binaries, made once per version, when the account cannot run them where they are. */
async function reachableBinaries({ uid }: Account, { folder, version }: Binaries): Promise<string> {
  if (uid === undefined || (await isReachable(path.join(folder, 'bin', 'postgres')))) {
    return folder;
  }
  const copy = await sharedFolder(`postgres-${version}`, folder);
  if (await exists(copy)) {
    return copy;
  }
  // Beside it and renamed, so that a copy is whole or absent, whoever dies or copies at the same time.
  const fresh = await mkdtemp(`${copy}.`);
  await cp(folder, fresh, { recursive: true, verbatimSymlinks: true });
  await letOthersRead(fresh);
  await rename(fresh, copy).catch(async (error: unknown) => {
    await rm(fresh, { recursive: true, force: true });
    if (!(await exists(copy))) {
      throw error;
    }
  });
  return copy;
}

/** Gives everybody what the owner has, but for writing: an install under umask 077 has it not. */
async function letOthersRead(folder: string): Promise<void> {
  await chmod(folder, 0o755);
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isSymbolicLink()) {
      const file = path.join(entry.parentPath, entry.name);
      const owner = ((await stat(file)).mode >> 6) & 0o5;
      await chmod(file, 0o200 | (owner << 6) | (owner << 3) | owner);
    }
  }
}

async function exists(file: string): Promise<boolean> {
  return stat(file).then(
    () => true,
    () => false,
  );
}

function unlessExists(error: unknown): void {
  if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) {
    throw error;
  }
}

function shortHash(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 12);
}
