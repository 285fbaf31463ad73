import { cp, mkdtemp, rename, rm, stat } from 'node:fs/promises';
import path from 'node:path';

import type { Git } from '../forge/git.ts';

/** The project that comes with the product; its agents are scripts, so it needs no key. */
const SOURCE = path.join(import.meta.dirname, '../../examples/demo');
export const DEMO_PATH = 'demo';
const AUTHOR = ['-c', 'user.name=Auto-Dev demo', '-c', 'user.email=demo@localhost'];

/**
 * Makes the demo's repository in `folder` unless it is there: the project with one commit on `main`. It is made
 * aside and moved into place, so that a start which is cut off leaves nothing half-made.
 */
export async function makeDemo(
  { git }: { git: Git },
  folder: string,
  signal: AbortSignal,
): Promise<string> {
  if (await exists(path.join(folder, '.git'))) {
    return folder;
  }
  const fresh = await mkdtemp(`${folder}.new-`);
  try {
    await cp(SOURCE, fresh, { recursive: true });
    const run = (...args: string[]) => git.run({ cwd: fresh }, args, signal);
    await run('init', '--quiet', '--initial-branch=main');
    await run('add', '--all');
    await run(...AUTHOR, 'commit', '--quiet', '--message', 'Start the invoice kit');
    await rename(fresh, folder);
  } finally {
    await rm(fresh, { recursive: true, force: true });
  }
  return folder;
}

async function exists(file: string): Promise<boolean> {
  return (await stat(file).catch(() => undefined)) !== undefined;
}
