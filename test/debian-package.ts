import { readdir } from 'node:fs/promises';

/** Runs a program to its end; resolves to what it printed when it failed, to undefined when it ended well. */
export type Run = (file: string, ...argv: string[]) => Promise<string | undefined>;

interface Deps {
  readonly run: Run;
  /** Of the user who runs the tests. */
  readonly uid: number | undefined;
}

const APT_LISTS = '/var/lib/apt/lists';
const INSTALL = ['install', '-y', '-qq', '--no-install-recommends', '-o', 'DPkg::Lock::Timeout=60'];

/** Installs a package where that needs no question asked: as root, with apt. Resolves to why not, else undefined. */
export async function installDebianPackage(
  { run, uid }: Deps,
  name: string,
): Promise<string | undefined> {
  if (uid !== 0 || (await run('apt-get', '--version')) !== undefined) {
    return 'only root may install it, on a system with apt-get';
  }

  // A fresh container has no lists; where there are some, they may be too old to be found on the mirror.
  const fresh = await hasNoLists();
  if (fresh) {
    await run('apt-get', 'update', '-qq');
  }
  const failed = await run('apt-get', ...INSTALL, name);
  if (failed === undefined || fresh) {
    return failed;
  }
  await run('apt-get', 'update', '-qq');
  return run('apt-get', ...INSTALL, name);
}

async function hasNoLists(): Promise<boolean> {
  const entries = await readdir(APT_LISTS).catch(() => []);
  return !entries.some((entry) => entry.includes('_Packages'));
}
