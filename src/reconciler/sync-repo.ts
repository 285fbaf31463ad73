import { writeAudit } from '../db/audit.ts';
import type { Db } from '../db/db.ts';
import { confirmPrune, markDirty } from '../db/repo-sync.ts';
import { getRepo } from '../db/repos.ts';

/**
 * Asks for the file to be read now. `confirmPrune` is how the digest of held retirements begins; they go on if it is
 * theirs. INVALID_REQUEST when it is none.
 */
export async function syncRepo(
  { db }: { db: Db },
  repoId: number,
  { actor, confirmPrune: digest }: { actor: string; confirmPrune?: string | undefined },
): Promise<void> {
  const { path } = await getRepo(db, repoId);
  await db.transaction(async (tx) => {
    if (digest !== undefined) {
      await confirmPrune(tx, repoId, digest);
      await writeAudit(tx, {
        actor,
        action: 'repo.confirm_prune',
        target: path,
        repoId,
        detail: { digest },
      });
    }
    await markDirty(tx, [repoId], { priority: 2 });
  });
}
