import type { Db } from '../db/db.ts';
import { takeDueGroup } from '../db/forge-groups.ts';
import type { GitlabForge } from '../forge/gitlab/forge.ts';
import type { Clock } from '../kernel/clock.ts';
import { AppError } from '../kernel/errors.ts';
import type { Log } from '../kernel/log.ts';
import type { Service } from '../kernel/service.ts';
import { every } from '../kernel/service.ts';
import { registerGroup } from './register-project.ts';

interface FollowDeps {
  db: Db;
  clock: Clock;
  log: Log;
  gitlab: Pick<GitlabForge, 'inspect' | 'discover'>;
}

const EVERY_MS = 600_000;
const LOOK_MS = 15_000;

/** New projects of the groups that were registered join by themselves, within some ten minutes. */
export function createGroupFollower(deps: FollowDeps): Service {
  return every(deps, { intervalMs: LOOK_MS }, async (signal) => {
    await followGroups(deps, { everyMs: EVERY_MS }, signal);
  });
}

/** Looks at every group that is due, each for itself. Answers the paths of the projects that joined. */
export async function followGroups(
  { db, log, gitlab }: FollowDeps,
  { everyMs }: { everyMs: number },
  signal: AbortSignal,
): Promise<string[]> {
  const joined: string[] = [];
  for (
    let group = await takeDueGroup(db, { everyMs });
    group && !signal.aborted;
    group = await takeDueGroup(db, { everyMs })
  ) {
    const { path, include, exclude, addedBy } = group;
    try {
      const added = await registerGroup(
        { db, gitlab },
        { actor: addedBy, group: path, include, exclude },
        signal,
      );
      joined.push(...added.map((repo) => repo.path));
      if (added.length > 0) {
        log.info({ group: path, added: added.length }, 'projects joined');
      }
    } catch (error) {
      // A group that is away keeps no other from being looked at.
      if (!(error instanceof AppError) || error.code === 'DATABASE_UNAVAILABLE') {
        throw error;
      }
      log.warn({ err: error, group: path }, 'group not looked at');
    }
  }
  return joined;
}
