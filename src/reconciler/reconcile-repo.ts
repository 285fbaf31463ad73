import type { Db, Queryable } from '../db/db.ts';
import type { NewEvent } from '../db/events.ts';
import type { DueRepo, Lease } from '../db/repo-sync.ts';
import { releaseLease, takeLease } from '../db/repo-sync.ts';
import type { NewRevision } from '../db/revisions.ts';
import type { Running, RunningChanges, Settlement } from '../db/settle-look.ts';
import { readRunning, settleLook } from '../db/settle-look.ts';
import { backoffMs } from '../domain/backoff.ts';
import type { RiskOf } from '../domain/plan-paths.ts';
import { planChanges, summarizePlan } from '../domain/plan.ts';
import type { Forge, ForgeCommit } from '../forge/forge.ts';
import type { Clock } from '../kernel/clock.ts';
import { AppError } from '../kernel/errors.ts';
import type { Log } from '../kernel/log.ts';
import { applyLanes, planLanes, suspendLanes } from './apply-lanes.ts';
import type { ApplyDeps } from './apply-revision.ts';
import { changesOf, invalidRevisionOf, revisionOf } from './apply-revision.ts';
import type { Look } from './look.ts';
import { lookAt } from './look.ts';
import type { Observed } from './observe.ts';
import { isPruneHeld, pruneDigest } from './plan-digest.ts';
import type { LoadRevision, ReadRevision } from './read-revision.ts';
import type { Finding } from './status.ts';
import { conditionsAfter } from './status.ts';

const LEASE_MS = 60_000;
/** Between the first read that finds no file and the second, after which "absent" is believed. */
const SECOND_READ_MS = 1000;

export interface ReconcileDeps extends ApplyDeps {
  db: Db;
  /** For pauses only: what is due, and since when, the database's clock says. */
  clock: Clock;
  log: Log;
  forge: Forge;
  load: LoadRevision;
  /** Whether a change of a path loosens; from the schema's `x-risk`. */
  risk: RiskOf;
  /** Names this reconciler in leases: unique among those that live, the same after a restart. */
  owner: string;
  /** Stands for everything beside the file that a verdict depends on: schema, policy, credentials. */
  inputsVersion: string;
}

/** What a look came to. `skipped`: another reconciler has the repository, or took it over. */
export type ReconcileResult = Finding['kind'] | 'skipped';

/**
 * Makes what runs equal to autodev.yaml at one commit. Safe to run at any time and any number of times: it reads
 * both sides, computes the difference and applies it in one transaction, fenced by the lease. What the owner must
 * mend is recorded and answered; what may pass is recorded and looked at again later.
 */
export async function reconcileRepo(
  deps: ReconcileDeps,
  { repo, head }: Observed,
  signal: AbortSignal,
): Promise<ReconcileResult> {
  const { db, log, owner } = deps;
  const lease = await takeLease(db, {
    repoId: repo.id,
    owner,
    leaseMs: LEASE_MS,
    head: repo.head,
  });
  if (lease === undefined) {
    return 'skipped';
  }
  const { epoch } = lease;
  try {
    const look = await lookAt(deps, { repo, head, lease }, signal);
    // What a process that ends could not read says nothing about the source.
    signal.throwIfAborted();
    const result = await record(deps, { repo, lease, look });
    log.info({ repo: repo.path, result }, 'repository reconciled');
    return result;
  } catch (error) {
    // When even this fails, the lease ends by itself.
    await releaseLease(db, { repoId: repo.id, epoch }).catch(() => {});
    throw error;
  }
}

interface Recording {
  readonly repo: DueRepo;
  readonly lease: Lease;
  readonly look: Look;
}

/** What the look means, and what follows from it beside the status. */
interface Decided {
  readonly finding: Finding;
  readonly revision?: NewRevision;
  readonly changes?: RunningChanges;
  readonly inForce?: Settlement['inForce'];
  /** Lanes come last: they are locked last everywhere. */
  readonly lanes?: ((tx: Queryable) => Promise<void>) | undefined;
}

/** Reads what runs, decides, and writes all that follows at once, the status in one place. */
async function record(deps: ReconcileDeps, recording: Recording): Promise<ReconcileResult> {
  const { db } = deps;
  const { repo, lease, look } = recording;
  const isValid = look.kind === 'read' && look.revision.kind === 'valid';
  const running = isValid
    ? await readRunning(db, { repoId: repo.id, epoch: lease.epoch }, look.revision.loaded.objects)
    : undefined;
  if (isValid && running === undefined) {
    return 'skipped';
  }

  const decided = decide(deps, recording, running);
  const { lanes } = decided;
  const settlement = settlementOf(deps, recording, decided);
  const settled = lanes
    ? await db.transaction(async (tx) => {
        const wrote = await settleLook(tx, settlement);
        if (wrote) {
          await lanes(tx);
        }
        return wrote;
      })
    : await settleLook(db, settlement);
  return settled ? decided.finding.kind : 'skipped';
}

function settlementOf(
  { inputsVersion }: ReconcileDeps,
  recording: Recording,
  { finding, revision, changes, inForce }: Decided,
): Settlement {
  const { repo, lease, look } = recording;
  const commit = look.kind === 'unreadable' ? undefined : look.commit;
  const applied = inForce !== undefined;
  const failures = commit ? 0 : lease.failures + 1;
  const absent = finding.kind === 'absent' ? finding : undefined;
  const observed = {
    revision: commit?.sha ?? repo.head ?? undefined,
    now: lease.now.getTime(),
  };
  return {
    events: commit ? eventsOf(recording, { commit, applied }) : [],
    revision,
    inForce,
    changes,
    outcome: {
      repoId: repo.id,
      epoch: lease.epoch,
      failures,
      missingReads: absent
        ? Math.min(lease.missingReads + 1, 2)
        : commit
          ? 0
          : // A read that failed says nothing about the file.
            lease.missingReads,
      conditions: conditionsAfter(lease.conditions, finding, observed),
      answeredDirtyAt: repo.dirtyAt,
      ...(commit && { head: commit.sha, observedDigest: inputsVersion }),
      ...('diagnostics' in finding && { diagnostics: finding.diagnostics }),
      ...(absent && { diagnostics: [] }),
      ...(absent?.confirmed === true && { suspended: 'ConfigNotFound' }),
      ...(applied && { suspended: null }),
      pruned: finding.kind === 'applied',
      ...(failures > 0 && { againInMs: backoffMs(failures, repo.path) }),
      ...(absent?.confirmed === false && { againInMs: SECOND_READ_MS }),
    },
  };
}

function decide(
  deps: ReconcileDeps,
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

  const { commit, revision } = look;
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
      return apply(deps, { repo, lease, running }, { commit, revision });
    default:
      return revision satisfies never;
  }
}

function apply(
  deps: ReconcileDeps,
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

function eventsOf(
  { repo, lease }: Recording,
  { commit, applied }: { commit: ForgeCommit; applied: boolean },
): NewEvent[] {
  const { sha, authorName: actor, subject } = commit;
  const repoId = repo.id;
  const events: NewEvent[] = [];
  if (applied && lease.inForce === null) {
    const key = `first_start:${repoId}`;
    events.push({ repoId, type: 'first_start', key, payload: { sha, actor } });
  }
  if (sha !== repo.head) {
    const payload = { sha, ref: repo.branch, actor, subject };
    events.push({ repoId, type: 'push', key: `push:${repoId}:${sha}`, payload });
  }
  return events;
}
