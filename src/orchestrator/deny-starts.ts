import { notifyWork } from '../db/enqueue.ts';
import type { PolicyPause } from '../db/policy-pauses.ts';
import { liftPolicyPause, listPolicyPauses, setPolicyPause } from '../db/policy-pauses.ts';
import { listRepos } from '../db/repos.ts';
import type { Service } from '../kernel/service.ts';
import { every } from '../kernel/service.ts';
import type { UpkeepDeps } from './upkeep.ts';

const EVERY_MS = 2_000;

export interface DenyDeps extends UpkeepDeps {
  /** Why the policy lets no job of a repository start now, and until when (epoch milliseconds). */
  denialOf: (path: string) => { reason: string; until: number } | undefined;
}

/**
 * Pauses repositories for as long as a deny window of the policy holds: their jobs stay queued, and `why` and `status`
 * say so. Without it each would be claimed and sent back, again and again.
 */
export function createDenyWatch(deps: DenyDeps): Service {
  return every(deps, { intervalMs: EVERY_MS }, async () => {
    await denyStarts(deps);
  });
}

/** One round. Answers how many repositories it paused or let go on. */
export async function denyStarts({ db, denialOf }: DenyDeps): Promise<number> {
  const standing = new Map((await listPolicyPauses(db)).map((pause) => [pause.repoId, pause]));
  const wanted = (await listRepos(db)).flatMap(({ id: repoId, path }): PolicyPause[] => {
    const denial = denialOf(path);
    return denial
      ? [{ repoId, reason: `The policy: ${denial.reason}`, until: new Date(denial.until) }]
      : [];
  });

  const begun = wanted.filter((pause) => !isSame(pause, standing.get(pause.repoId)));
  for (const pause of begun) {
    await db.transaction((tx) => setPolicyPause(tx, pause));
  }
  const denied = new Set(wanted.map(({ repoId }) => repoId));
  const over = [...standing.keys()].filter((repoId) => !denied.has(repoId));
  for (const repoId of over) {
    await db.transaction((tx) => liftPolicyPause(tx, repoId));
  }
  if (over.length > 0) {
    await notifyWork(db);
  }
  return begun.length + over.length;
}

function isSame(wanted: PolicyPause, standing: PolicyPause | undefined): boolean {
  return wanted.reason === standing?.reason && wanted.until.getTime() === standing.until.getTime();
}
