import type { DueRepo, Lease } from '../db/repo-sync.ts';
import type { RevisionFiles } from '../db/revisions.ts';
import { findCondition } from '../domain/conditions.ts';
import type { Forge, ForgeCommit } from '../forge/forge.ts';
import { AppError } from '../kernel/errors.ts';
import type { LoadRevision, ReadRevision } from './read-revision.ts';
import { readRevision, REGULAR_FILE } from './read-revision.ts';
import type { ReviewedDeps } from './reviewed.ts';
import { whyUnreviewed } from './reviewed.ts';

/** What was read, before anything is decided. */
export type Look =
  | { readonly kind: 'unreadable'; readonly failure: Error }
  /** The files of the revision in force are the same at this commit. */
  | { readonly kind: 'unchanged'; readonly commit: ForgeCommit }
  | {
      readonly kind: 'read';
      readonly commit: ForgeCommit;
      readonly revision: ReadRevision;
      /** Why its files may not come into force by themselves; undefined: they may. */
      readonly unreviewed: string | undefined;
    };

interface LookDeps extends ReviewedDeps {
  forge: Forge;
  load: LoadRevision;
  inputsVersion: string;
}

interface Subject {
  readonly repo: DueRepo;
  readonly head: string | Error;
  readonly lease: Lease;
}

/**
 * Reads a repository's file at its head. Most commits touch neither it nor what it names: then blob ids are
 * compared and nothing is parsed. A source error is an answer, too; anything else that is thrown is a bug.
 */
export async function lookAt(
  deps: LookDeps,
  { repo, head, lease }: Subject,
  signal: AbortSignal,
): Promise<Look> {
  if (head instanceof Error) {
    return { kind: 'unreadable', failure: head };
  }
  try {
    const commit = await deps.forge.readCommit(repo, head, signal);
    const { inForce } = lease;
    const stands = inForce && isSettled(repo, lease, deps.inputsVersion);
    if (stands && (await hasSameFiles(deps, { repo, head, inForce }, signal))) {
      return { kind: 'unchanged', commit };
    }
    const revision = await readRevision(deps, repo, head, signal);
    const unreviewed =
      revision.kind === 'valid'
        ? await whyUnreviewed(deps, { repo, commit, blobs: revision.blobs, inForce }, signal)
        : undefined;
    return { kind: 'read', commit, revision, unreviewed };
  } catch (error) {
    if (error instanceof AppError) {
      return { kind: 'unreadable', failure: error };
    }
    throw error;
  }
}

/** Whether the last verdict was about the revision in force, and all that it depended on is as it was. */
function isSettled(repo: DueRepo, lease: Lease, inputsVersion: string): boolean {
  return (
    repo.observedDigest === inputsVersion &&
    lease.missingReads === 0 &&
    lease.suspended === null &&
    findCondition(lease.conditions, 'Stalled') === undefined
  );
}

async function hasSameFiles(
  { forge }: LookDeps,
  { repo, head, inForce }: { repo: DueRepo; head: string; inForce: RevisionFiles },
  signal: AbortSignal,
): Promise<boolean> {
  if (inForce.commit === head) {
    return true;
  }
  for (const [path, blob] of Object.entries(inForce.blobs)) {
    const file = await forge.readFile(repo, { commit: head, path, maxBytes: 0 }, signal);
    if (file?.blob !== blob || file.mode !== REGULAR_FILE) {
      return false;
    }
  }
  return true;
}
