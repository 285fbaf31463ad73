import type { Db } from '../db/db.ts';
import { postponeRepos } from '../db/repo-poll.ts';
import type { DueRepo } from '../db/repo-sync.ts';
import { takeDueRepos } from '../db/repo-sync.ts';
import type { Forge } from '../forge/forge.ts';

/** Repositories are taken in batches: one statement and one pass over heads for so many. */
const BATCH = 500;

export interface ObserveDeps {
  db: Db;
  forge: Forge;
  /** How long an unchanged repository is left alone. */
  pollMs: number;
  /** The same for one on GitLab, which tells by itself; default: as long. */
  gitlabPollMs?: number | undefined;
  inputsVersion: string;
}

export interface Observed {
  readonly repo: DueRepo;
  /** The default branch's head, or why it could not be read. */
  readonly head: string | Error;
}

/**
 * Looks at the heads of the repositories that are due and answers those that need a reconcile. An unchanged one
 * costs its share of one statement and of one pass over heads; nothing is written for it.
 */
export async function observeDueRepos(
  { db, forge, pollMs, gitlabPollMs, inputsVersion }: ObserveDeps,
  signal: AbortSignal,
): Promise<{ taken: number; changed: Observed[] }> {
  const repos = await takeDueRepos(db, { pollMs, limit: BATCH });
  const remote = repos.filter((repo) => repo.forge === 'gitlab').map(({ id }) => id);
  if (gitlabPollMs !== undefined && remote.length > 0) {
    await postponeRepos(db, remote, { pollMs: gitlabPollMs });
  }
  const heads = await forge.readHeads(repos, signal);
  const changed = repos
    .map((repo) => ({ repo, head: heads.get(repo.id) ?? missingAnswer(repo) }))
    .filter(({ repo, head }) => needsReconcile(repo, { head, inputsVersion }));
  return { taken: repos.length, changed };
}

function needsReconcile(
  repo: DueRepo,
  { head, inputsVersion }: { head: string | Error; inputsVersion: string },
): boolean {
  return (
    repo.dirtyAt !== null ||
    repo.failures > 0 ||
    // "Absent" is believed at the second read, so there has to be one.
    repo.missingReads === 1 ||
    head !== repo.head ||
    repo.observedDigest !== inputsVersion
  );
}

function missingAnswer(repo: DueRepo): Error {
  return new Error(`the forge gave no answer for ${repo.path}`);
}
