import { randomBytes } from 'node:crypto';
import { access, constants, mkdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';

import { AppError } from '../kernel/errors.ts';

const NAME = '.autodev-data';

/** Where everything of one instance lies. Files that others must not read have the mode 0600. */
export interface DataDir {
  readonly folder: string;
  readonly file: (name: string) => string;
}

/**
 * Finds the data directory (as it was given, else the nearest `.autodev-data` upwards, else a new one here) and
 * makes sure that we may write there. Throws DATA_DIR_UNUSABLE with what to do.
 */
export async function openDataDir(given: string | undefined, cwd: string): Promise<DataDir> {
  const folder =
    given === undefined
      ? ((await findUpwards(cwd)) ?? path.join(cwd, NAME))
      : path.resolve(cwd, given);
  try {
    // Root's PostgreSQL and workers have accounts of their own, which must get through and see nothing.
    await makeFolder(folder, process.getuid?.() === 0 ? 0o711 : 0o700);
    await access(folder, constants.R_OK | constants.W_OK | constants.X_OK);
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? String(cause.code) : 'unknown error';
    throw new AppError('DATA_DIR_UNUSABLE', `${folder} cannot be written (${code})`, {
      cause,
      remedy: 'Give yourself write permission there, or choose another place: `--data DIR`.',
    });
  }
  return { folder, file: (name) => path.join(folder, name) };
}

/** One folder after the other: below /proc Node's recursive mkdir tries for ever. */
async function makeFolder(folder: string, mode: number): Promise<void> {
  if ((await stat(folder).catch(() => undefined)) !== undefined) {
    return;
  }
  await makeFolder(path.dirname(folder), mode);
  await mkdir(folder, { mode }).catch((error: unknown) => {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) {
      throw error;
    }
  });
}

/** The token that opens the API, made once. */
export async function readOrMakeToken(data: DataDir): Promise<string> {
  const file = data.file('token');
  const known = await readFile(file, 'utf8').catch(() => '');
  if (known.trim() !== '') {
    return known.trim();
  }
  const token = randomBytes(32).toString('base64url');
  await writeWhole(file, `${token}\n`);
  return token;
}

/** What commands read to find the server. Removed when it stops, so that they can say that none runs. */
export async function announceServer(
  data: DataDir,
  server: { url: string; pid: number },
): Promise<AsyncDisposable> {
  const file = data.file('server.json');
  await writeWhole(file, `${JSON.stringify(server)}\n`);
  return { [Symbol.asyncDispose]: () => rm(file, { force: true }) };
}

/** Where the instance of this data directory was last seen to listen; undefined: nowhere. */
export async function readServerUrl(data: DataDir): Promise<string | undefined> {
  const text = await readFile(data.file('server.json'), 'utf8').catch(() => undefined);
  return /"url":"([^"]+)"/.exec(text ?? '')?.[1];
}

/** A reader sees the old file or the new one, never half of it. */
async function writeWhole(file: string, text: string): Promise<void> {
  const fresh = `${file}.${randomBytes(4).toString('hex')}`;
  await writeFile(fresh, text, { mode: 0o600 });
  await rename(fresh, file);
}

async function findUpwards(from: string): Promise<string | undefined> {
  for (let folder = path.resolve(from); ; folder = path.dirname(folder)) {
    const candidate = path.join(folder, NAME);
    const found = await stat(candidate).catch(() => undefined);
    if (found?.isDirectory()) {
      return candidate;
    }
    if (folder === path.dirname(folder)) {
      return undefined;
    }
  }
}
