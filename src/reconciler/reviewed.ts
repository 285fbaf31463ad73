import type { Db } from '../db/db.ts';
import { isConfigApproved } from '../db/held-revisions.ts';
import type { Repo } from '../db/repos.ts';
import type { RevisionFiles } from '../db/revisions.ts';
import { getAppliedAt } from '../db/revisions.ts';
import type { Forge, ForgeCommit } from '../forge/forge.ts';
import type { ReviewForge } from '../forge/review.ts';

/** Clocks differ, and a merge may come just before what was merged earlier is applied. */
const SLACK_MS = 600_000;
/** Files of so many merges are compared; in one poll there are a few. */
const MOST_MERGES = 20;

export interface ReviewedDeps {
  db: Db;
  forge: Forge;
  /** Left out: repositories here have no merge requests of people, and what is committed counts. */
  review?: ReviewForge | undefined;
}

/**
 * Why files may not come into force by themselves; undefined: a merge request brought exactly these, since the revision
 * in force was applied, or people voted for the commit. What is in force before that was accepted by whoever registered
 * the repository. It is the files that are compared: commits that touch others may stand before and after the merge.
 */
export async function whyUnreviewed(
  deps: ReviewedDeps,
  {
    repo,
    commit,
    blobs,
    inForce,
  }: {
    repo: Repo;
    commit: ForgeCommit;
    blobs: RevisionFiles['blobs'];
    inForce: RevisionFiles | null;
  },
  signal: AbortSignal,
): Promise<string | undefined> {
  const { db, forge, review } = deps;
  if (repo.forge !== 'gitlab' || !review || inForce === null || isSame(blobs, inForce.blobs)) {
    return undefined;
  }
  if (await isConfigApproved(db, { repoId: repo.id, commit: commit.sha })) {
    return undefined;
  }
  const appliedAt = await getAppliedAt(db, inForce.id);
  const since = new Date((appliedAt?.getTime() ?? 0) - SLACK_MS);
  const merged = await review.listMergeRequests(
    repo,
    { state: 'merged', updatedAfter: since },
    signal,
  );
  const candidates = merged.filter(
    ({ mergedAt, mergedCommit }) =>
      mergedAt !== undefined && mergedAt >= since && mergedCommit !== inForce.commit,
  );
  for (const { mergedCommit } of candidates.slice(0, MOST_MERGES)) {
    const brought =
      mergedCommit === commit.sha ||
      (mergedCommit !== undefined && (await holds(forge, repo, mergedCommit, blobs, signal)));
    if (brought) {
      return undefined;
    }
  }
  return `${commit.sha.slice(0, 8)} of ${commit.authorName} changed it on ${repo.branch} without a merge request.`;
}

async function holds(
  forge: Forge,
  repo: Repo,
  commit: string,
  blobs: RevisionFiles['blobs'],
  signal: AbortSignal,
): Promise<boolean> {
  for (const [path, blob] of Object.entries(blobs)) {
    const file = await forge.readFile(repo, { commit, path, maxBytes: 0 }, signal);
    if (file?.blob !== blob) {
      return false;
    }
  }
  return true;
}

function isSame(one: RevisionFiles['blobs'], other: RevisionFiles['blobs']): boolean {
  const paths = new Set([...Object.keys(one), ...Object.keys(other)]);
  return [...paths].every((path) => one[path] === other[path]);
}
