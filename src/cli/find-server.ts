import { readFile } from 'node:fs/promises';
import path from 'node:path';

import { AppError } from '../kernel/errors.ts';

const DATA_DIR = '.autodev-data';

interface FindOptions {
  cwd: string;
  /** From `--data` or the environment; undefined: `.autodev-data` here or in a folder above. */
  dataDir: string | undefined;
  /** From `--url` or the environment; undefined: what a running server wrote into the data directory. */
  url: string | undefined;
  token: string | undefined;
}

interface Server {
  url: string;
  /** Undefined: none was found; the server says what it thinks of that. */
  token: string | undefined;
}

/**
 * Where the API is, and what opens it.
 *
 * @throws {AppError} UNAVAILABLE when no data directory has a running server's address.
 */
export async function findServer({ cwd, dataDir, url, token }: FindOptions): Promise<Server> {
  const data = dataDir === undefined ? await findUpwards(cwd) : path.resolve(cwd, dataDir);
  return {
    url: url ?? (await readUrl(data)),
    token: token ?? (data === undefined ? undefined : await readToken(data)),
  };
}

async function findUpwards(from: string): Promise<string | undefined> {
  for (let folder = path.resolve(from); ; folder = path.dirname(folder)) {
    const data = path.join(folder, DATA_DIR);
    if ((await read(path.join(data, 'server.json'))) !== undefined) {
      return data;
    }
    if (folder === path.dirname(folder)) {
      return undefined;
    }
  }
}

async function readUrl(data: string | undefined): Promise<string> {
  const text = data === undefined ? undefined : await read(path.join(data, 'server.json'));
  const url = text === undefined ? undefined : urlIn(text);
  if (url === undefined) {
    throw new AppError('UNAVAILABLE', 'Auto-Dev is not running here', {
      remedy: 'start it with `npm start`, or say where it runs with --data or --url',
    });
  }
  return url;
}

function urlIn(text: string): string | undefined {
  try {
    const server: unknown = JSON.parse(text);
    return typeof server === 'object' &&
      server !== null &&
      'url' in server &&
      typeof server.url === 'string'
      ? server.url
      : undefined;
  } catch {
    return undefined; // cut off while it was written: as good as not there
  }
}

async function readToken(data: string): Promise<string | undefined> {
  return (await read(path.join(data, 'token')))?.trim();
}

/** Undefined when there is no such file. */
async function read(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code === 'ENOENT' || code === 'ENOTDIR') {
      return undefined;
    }
    throw new AppError('FORBIDDEN', `${file} cannot be read (${String(code)})`, {
      cause: error,
      remedy: 'run the command as the user who started Auto-Dev',
    });
  }
}
