import { randomBytes } from 'node:crypto';
import { link, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';

/**
 * The password of a role, made on first use. It lies beside the cluster, readable by us alone: the server's
 * account keeps only its SCRAM verifier, so of all that reach the socket only we can log in.
 */
export async function passwordOf(home: string, role: 'postgres' | 'autodev'): Promise<string> {
  const file = path.join(home, `${role}.password`);
  const present = await read(file);
  if (present !== undefined) {
    return present;
  }
  // A link to a finished file appears whole, and only for the first of several that start at once.
  const fresh = `${file}.${randomBytes(6).toString('hex')}`;
  await writeFile(fresh, randomBytes(24).toString('base64url'), { mode: 0o600, flag: 'wx' });
  try {
    await link(fresh, file).catch(() => {});
    return await readFile(file, 'utf8');
  } finally {
    await rm(fresh);
  }
}

async function read(file: string): Promise<string | undefined> {
  return readFile(file, 'utf8').catch((error: unknown) => {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') {
      return undefined;
    }
    throw error;
  });
}
