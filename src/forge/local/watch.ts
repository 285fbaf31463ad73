import { watch } from 'node:fs/promises';
import { dirname, join } from 'node:path';

import type { Clock } from '../../kernel/clock.ts';
import type { ForgeRepo } from '../forge.ts';
import { requireFolders } from './place.ts';

/** Git writes several files for one commit: they are told as one. */
const SETTLE_MS = 50;
/** How often is asked where the system watches nothing (limits reached, network file systems, a folder not there yet). */
const POLL_MS = 1_000;

/**
 * Calls `onChange` soon after something happened to the refs of a repository. It is a hint: it may come without a
 * change and, where the system cannot watch, it comes every second. Resolves when `signal` aborts.
 */
export async function watchHead(
  { clock }: { clock: Clock },
  repo: ForgeRepo,
  onChange: () => void,
  signal: AbortSignal,
): Promise<void> {
  const { commonDir } = requireFolders(repo.location);
  // The common folder holds packed-refs and HEAD, the other one the branch itself.
  const folders = [commonDir, dirname(join(commonDir, 'refs', 'heads', repo.branch))];
  await Promise.all(
    folders.map(async (folder) => {
      while (!signal.aborted) {
        await watchFolder({ clock }, folder, onChange, signal);
        await clock.sleep(POLL_MS, signal);
        if (!signal.aborted) {
          onChange();
        }
      }
    }),
  );
}

/** Resolves when the folder can no longer be watched. */
async function watchFolder(
  { clock }: { clock: Clock },
  folder: string,
  onChange: () => void,
  signal: AbortSignal,
): Promise<void> {
  let settling = false;
  const settle = async (): Promise<void> => {
    await clock.sleep(SETTLE_MS, signal);
    settling = false;
    if (!signal.aborted) {
      onChange();
    }
  };
  try {
    for await (const { filename } of watch(folder, { signal })) {
      // A lock comes before the change that it protects. A rebase of a thousand commits is told a few times.
      if (!settling && filename?.endsWith('.lock') !== true) {
        settling = true;
        void settle();
      }
    }
  } catch {
    // Aborted or not watchable: the caller polls.
  }
}
