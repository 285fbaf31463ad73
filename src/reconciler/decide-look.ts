import type { Queryable } from '../db/db.ts';
import type { DueRepo, Lease } from '../db/repo-sync.ts';
import type { NewRevision } from '../db/revisions.ts';
import type { Running, RunningChanges, Settlement } from '../db/settle-look.ts';
import type { RiskOf } from '../domain/plan-paths.ts';
import { planChanges, summarizePlan } from '../domain/plan.ts';
import type { ForgeCommit } from '../forge/forge.ts';
import { AppError } from '../kernel/errors.ts';
import { applyLanes, planLanes, suspendLanes } from './apply-lanes.ts';
import type { ApplyDeps } from './apply-revision.ts';
import { changesOf, heldRevisionOf, invalidRevisionOf, revisionOf } from './apply-revision.ts';
import { askAboutPush } from './ask-about-push.ts';
import type { Look } from './look.ts';
import { isPruneHeld, pruneDigest } from './plan-digest.ts';
import type { ReadRevision } from './read-revision.ts';
import type { Finding } from './status.ts';

interface DecideDeps extends ApplyDeps {
  risk: RiskOf;
}

/** One look, with whose it is. */
export interface Recording {
  readonly repo: DueRepo;
  readonly lease: Lease;
  readonly look: Look;
}

/** What the look means, and what follows from it beside the status. */
export interface Decided {
  readonly finding: Finding;
  readonly revision?: NewRevision;
  readonly changes?: RunningChanges;
  readonly inForce?: Settlement['inForce'];
  /** Lanes come last: they are locked last everywhere. */
  readonly lanes?: ((tx: Queryable) => Promise<void>) | undefined;
}

/** What follows from a look: early returns, nothing read and nothing written. */
export function decide(
  deps: DecideDeps,
  { repo, lease, look }: Recording,
  running: Running | undefined,
): Decided {
  switch (look.kind) {
    case 'unreadable': {
      const { failure } = look;
      const code = failure instanceof AppError ? failure.code : undefined;
      return { finding: { kind: 'unreadable', code, message: failure.message } };
    }
    case 'unchanged':
      return { finding: { kind: 'unchanged' } };
    case 'read':
      break;
    default:
      return look satisfies never;
  }

  const { commit, revision, unreviewed } = look;
  switch (revision.kind) {
    case 'absent': {
      const confirmed = lease.missingReads > 0;
      const suspend = (tx: Queryable): Promise<void> =>
        suspendLanes(tx, repo.id, 'The default branch holds no autodev.yaml.');
      return {
        finding: { kind: 'absent', confirmed, branch: repo.branch },
        lanes: confirmed && lease.suspended === null ? suspend : undefined,
      };
    }
    case 'invalid':
      // Kept for people to look at; the last good one stays in force.
      return {
        finding: { kind: 'invalid', diagnostics: revision.diagnostics },
        revision: invalidRevisionOf(repo, commit, revision),
      };
    case 'valid':
      if (!running) {
        throw new Error('a valid file is held against what runs');
      }
      return unreviewed === undefined
        ? apply(deps, { repo, lease, running }, { commit, revision })
        : hold(repo, { commit, revision }, unreviewed);
    default:
      return revision satisfies never;
  }
}

/** The last good one stays in force, and people are asked. */
function hold(
  repo: DueRepo,
  { commit, revision }: { commit: ForgeCommit; revision: Extract<ReadRevision, { kind: 'valid' }> },
  reason: string,
): Decided {
  const { diagnostics } = revision.loaded;
  return {
    finding: { kind: 'unreviewed', reason, diagnostics },
    revision: heldRevisionOf(repo, commit, revision, reason),
    lanes: (tx) => askAboutPush(tx, { repo, commit, reason }),
  };
}

function apply(
  deps: DecideDeps,
  { repo, lease, running }: { repo: DueRepo; lease: Lease; running: Running },
  read: { commit: ForgeCommit; revision: Extract<ReadRevision, { kind: 'valid' }> },
): Decided {
  const { objects, diagnostics, digest, spec } = read.revision.loaded;
  const changes = planChanges(objects, running.objects, deps.risk);
  const limits = deps.limitsOf(repo.path);
  const holdPrune = isPruneHeld(changes, {
    actualCount: running.objects.length,
    confirmed: lease.confirmedPrune,
    limits: limits.prune,
  });
  const application = { repo, ...read, running, changes, holdPrune };
  const { inForce } = lease;
  // Read again, the commit in force writes no row: its plan says what it changed when it came.
  const isInForce = inForce?.commit === read.commit.sha && inForce.digest === digest;
  const revision = isInForce
    ? { inForce: inForce.id }
    : { revision: revisionOf(application), inForce: 'revision' as const };
  const lanes = planLanes(running.lanes, {
    spec,
    repoConcurrency: limits.concurrency,
    // Claims of an agent that is gone from the file end at once, also while its removal waits for a person.
    goneHold: holdPrune ? 'disabled' : 'removed',
  });
  return {
    finding: holdPrune
      ? {
          kind: 'prune_held',
          retire: summarizePlan(changes).retire,
          digest: pruneDigest(changes),
          path: repo.path,
          diagnostics,
        }
      : { kind: 'applied', diagnostics },
    changes: changesOf(deps, application),
    lanes: lanes && ((tx) => applyLanes(tx, repo.id, lanes)),
    ...revision,
  };
}
