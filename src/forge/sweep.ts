import { readdir, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

import type { Clock } from '../kernel/clock.ts';

/** Nothing that we make beside its final place is worked on for longer. */
const STALE_MS = 6 * 3_600_000;

/** Removes what a killed process left behind: entries that begin with `prefix` (a path) and are hours old. */
export async function sweep({ clock }: { clock: Clock }, prefix: string): Promise<void> {
  const folder = dirname(prefix);
  const entries = await readdir(folder);
  for (const entry of entries.filter((name) => name.startsWith(basename(prefix)))) {
    const path = join(folder, entry);
    try {
      const { mtimeMs } = await stat(path);
      if (clock.now().getTime() - mtimeMs > STALE_MS) {
        await rm(path, { recursive: true, force: true });
      }
    } catch {
      // Gone already, or somebody else's: it does not stand in our way.
    }
  }
}
