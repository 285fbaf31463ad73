import { sha256 } from '../config/objects.ts';
import { listConfigObjects } from '../db/config-objects.ts';
import type { Db, Queryable } from '../db/db.ts';
import type { NewEvent } from '../db/events.ts';
import { recordEvents } from '../db/events.ts';
import type { DueRepo, Lease } from '../db/repo-sync.ts';
import { lockLease, recordOutcome, releaseLease, takeLease } from '../db/repo-sync.ts';
import { recordRevision } from '../db/revisions.ts';
import { backoffMs } from '../domain/backoff.ts';
import type { RiskOf } from '../domain/plan-paths.ts';
import { planChanges, summarizePlan } from '../domain/plan.ts';
import type { Forge, ForgeCommit } from '../forge/forge.ts';
import type { Clock } from '../kernel/clock.ts';
import { AppError } from '../kernel/errors.ts';
import type { Log } from '../kernel/log.ts';
import { suspendLanes } from './apply-lanes.ts';
import type { ApplyDeps } from './apply-revision.ts';
import { applyRevision } from './apply-revision.ts';
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
    const result = await db.transaction(async (tx) => {
      const now = await lockLease(tx, { repoId: repo.id, epoch });
      return now ? record(deps, tx, { repo, lease, look, now: now.getTime() }) : 'skipped';
    });
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
  /** The database's time, in epoch milliseconds. */
  readonly now: number;
}

/** What the look means; `revisionId` is the revision that is in force from now on. */
type Decided = Finding & { readonly revisionId?: number };

/** Decides, writes what follows from it, and then the status in one place. */
async function record(
  deps: ReconcileDeps,
  tx: Queryable,
  recording: Recording,
): Promise<ReconcileResult> {
  const { repo, lease, look, now } = recording;
  const commit = look.kind === 'unreadable' ? undefined : look.commit;
  const finding = await decide(deps, tx, recording);
  const failures = commit ? 0 : lease.failures + 1;
  const absent = finding.kind === 'absent' ? finding : undefined;
  const revision = commit?.sha ?? repo.head ?? undefined;

  if (commit) {
    await recordEvents(tx, eventsOf(recording, { commit, applied: 'revisionId' in finding }));
  }
  await recordOutcome(tx, {
    repoId: repo.id,
    epoch: lease.epoch,
    failures,
    missingReads: absent
      ? Math.min(lease.missingReads + 1, 2)
      : commit
        ? 0
        : // A read that failed says nothing about the file.
          lease.missingReads,
    conditions: conditionsAfter(lease.conditions, finding, { revision, now }),
    answeredDirtyAt: repo.dirtyAt,
    ...(commit && { head: commit.sha, observedDigest: deps.inputsVersion }),
    ...('diagnostics' in finding && { diagnostics: finding.diagnostics }),
    ...(absent && { diagnostics: [] }),
    ...(absent?.confirmed === true && { suspended: 'ConfigNotFound' }),
    ...(finding.revisionId !== undefined && { revisionId: finding.revisionId, suspended: null }),
    pruned: finding.kind === 'applied',
    ...(failures > 0 && { againInMs: backoffMs(failures, repo.path) }),
    ...(absent?.confirmed === false && { againInMs: SECOND_READ_MS }),
  });
  return finding.kind;
}

async function decide(deps: ReconcileDeps, tx: Queryable, recording: Recording): Promise<Decided> {
  const { repo, lease, look } = recording;
  switch (look.kind) {
    case 'unreadable': {
      const { failure } = look;
      const code = failure instanceof AppError ? failure.code : undefined;
      return { kind: 'unreadable', code, message: failure.message };
    }
    case 'unchanged':
      return { kind: 'unchanged' };
    case 'read':
      break;
    default:
      return look satisfies never;
  }

  const { commit, revision } = look;
  switch (revision.kind) {
    case 'absent': {
      const confirmed = lease.missingReads > 0;
      if (confirmed && lease.suspended === null) {
        await suspendLanes(tx, repo.id, 'The default branch holds no autodev.yaml.');
      }
      return { kind: 'absent', confirmed, branch: repo.branch };
    }
    case 'invalid':
      return refuse(tx, { repo, commit, revision });
    case 'valid':
      return apply(deps, tx, recording, { commit, revision });
    default:
      return revision satisfies never;
  }
}

/** Keeps an invalid file for people to look at; the last good one stays in force. */
async function refuse(
  tx: Queryable,
  {
    repo,
    commit,
    revision: { source, blobs, diagnostics },
  }: {
    repo: DueRepo;
    commit: ForgeCommit;
    revision: Extract<ReadRevision, { kind: 'invalid' }>;
  },
): Promise<Decided> {
  await recordRevision(tx, {
    repoId: repo.id,
    commit: commit.sha,
    blobs,
    digest: `invalid:${sha256(source)}`,
    state: 'invalid',
    spec: undefined,
    source,
    author: `${commit.authorName} <${commit.authorEmail}>`,
    subject: commit.subject,
    plan: null,
    diagnostics,
  });
  return { kind: 'invalid', diagnostics };
}

async function apply(
  deps: ReconcileDeps,
  tx: Queryable,
  { repo, lease, now }: Recording,
  read: { commit: ForgeCommit; revision: Extract<ReadRevision, { kind: 'valid' }> },
): Promise<Decided> {
  const { objects, diagnostics } = read.revision.loaded;
  const actual = await listConfigObjects(tx, repo.id);
  const changes = planChanges(objects, actual, deps.risk);
  const holdPrune = isPruneHeld(changes, {
    actualCount: actual.length,
    confirmed: lease.confirmedPrune,
  });
  const application = { repo, ...read, inForce: lease.inForce, actual, changes, holdPrune, now };
  const revisionId = await applyRevision(deps, tx, application);

  return holdPrune
    ? {
        kind: 'prune_held',
        revisionId,
        retire: summarizePlan(changes).retire,
        digest: pruneDigest(changes),
        path: repo.path,
        diagnostics,
      }
    : { kind: 'applied', revisionId, diagnostics };
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
