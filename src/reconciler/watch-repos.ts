import type { Db } from '../db/db.ts';
import { makeDue } from '../db/repo-sync.ts';
import type { Repo } from '../db/repos.ts';
import { listRepos } from '../db/repos.ts';
import type { Wake } from '../db/wake.ts';
import type { LocalForge } from '../forge/local/forge.ts';
import { AppError } from '../kernel/errors.ts';
import type { Log } from '../kernel/log.ts';
import type { Service } from '../kernel/service.ts';

/** Each takes two of the system's watches; repositories beyond are seen by the poll alone. */
const MAX_WATCHES = 200;
/** A repository that came or went without a word, or whose watch ended, is noticed this late at most. */
const REFRESH_MS = 5_000;

export interface WatchDeps {
  db: Db;
  log: Log;
  forge: Pick<LocalForge, 'watch'>;
  /** Listens on REPO_CHANNEL. */
  wake: Wake;
}

/**
 * Makes repositories of this machine due as soon as something happens in them. Only a hint that saves waiting for
 * the poll: a watch that fails or is missing costs seconds, not correctness.
 */
export function createRepoWatch(
  { db, log, forge, wake }: WatchDeps,
  { maxWatches = MAX_WATCHES }: { maxWatches?: number } = {},
): Service {
  return async (signal) => {
    const watches = new Map<string, { stop: AbortController; ended: Promise<void> }>();
    const follow = (repo: Repo): void => {
      const key = keyOf(repo);
      const stop = new AbortController();
      const hint = (): void => {
        makeDue(db, [repo.id]).catch((error: unknown) => {
          // The poll sees it, too.
          log.debug({ err: error, repo: repo.path }, 'hint lost');
        });
      };
      const ended = watchSafely({ log, forge }, repo, {
        hint,
        signal: AbortSignal.any([signal, stop.signal]),
      }).finally(() => watches.delete(key));
      watches.set(key, { stop, ended });
    };

    try {
      while (!signal.aborted) {
        const sequence = wake.sequence();
        const repos = await listLocal(db);
        const wanted = new Map(repos.slice(0, maxWatches).map((repo) => [keyOf(repo), repo]));
        for (const [key, { stop }] of watches) {
          if (!wanted.has(key)) {
            stop.abort();
          }
        }
        for (const [key, repo] of wanted) {
          if (!watches.has(key)) {
            follow(repo);
          }
        }
        await wake.wait(sequence, REFRESH_MS, signal);
      }
    } finally {
      const open = [...watches.values()];
      open.forEach(({ stop }) => stop.abort());
      await Promise.all(open.map(({ ended }) => ended));
    }
  };
}

async function listLocal(db: Db): Promise<Repo[]> {
  const repos = await listRepos(db);
  return repos.filter(({ forge }) => forge === 'local');
}

/** A folder that is away is watched again by a later round. */
async function watchSafely(
  { log, forge }: Pick<WatchDeps, 'log' | 'forge'>,
  repo: Repo,
  { hint, signal }: { hint: () => void; signal: AbortSignal },
): Promise<void> {
  try {
    await forge.watch(repo, hint, signal);
  } catch (error) {
    if (!(error instanceof AppError)) {
      throw error;
    }
    log.debug({ err: error, repo: repo.path }, 'repository not watched');
  }
}

/** Another branch or folder is another watch. */
function keyOf({ id, location, branch }: Repo): string {
  return `${id}\0${location}\0${branch}`;
}
