import type { Db } from '../db/db.ts';
import type { NewEvent } from '../db/events.ts';
import type { Wish } from '../db/own-effects.ts';
import { wish } from '../db/own-effects.ts';
import { releaseLease, takeLease } from '../db/repo-sync.ts';
import type { Settlement } from '../db/settle-look.ts';
import { readRunning, settleLook } from '../db/settle-look.ts';
import { backoffMs } from '../domain/backoff.ts';
import type { RiskOf } from '../domain/plan-paths.ts';
import type { Forge, ForgeCommit } from '../forge/forge.ts';
import type { Clock } from '../kernel/clock.ts';
import type { Log } from '../kernel/log.ts';
import type { ApplyDeps } from './apply-revision.ts';
import type { Decided, Recording } from './decide-look.ts';
import { decide } from './decide-look.ts';
import { forgeWishes } from './forge-wishes.ts';
import { lookAt } from './look.ts';
import type { Observed } from './observe.ts';
import type { LoadRevision } from './read-revision.ts';
import type { ReviewedDeps } from './reviewed.ts';
import type { Finding } from './status.ts';
import { conditionsAfter } from './status.ts';

const LEASE_MS = 60_000;
/** Between the first read that finds no file and the second, after which "absent" is believed. */
const SECOND_READ_MS = 1000;
/** People may vote for what waits for them. */
const VOTE_POLL_MS = 30_000;

export interface ReconcileDeps extends ApplyDeps, Pick<ReviewedDeps, 'review'> {
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
  const wishes = wishesOf(recording, decided);
  const settled =
    lanes || wishes.length > 0
      ? await db.transaction(async (tx) => {
          const wrote = await settleLook(tx, settlement);
          if (wrote) {
            for (const one of wishes) {
              await wish(tx, one);
            }
            await lanes?.(tx);
          }
          return wrote;
        })
      : await settleLook(db, settlement);
  return settled ? decided.finding.kind : 'skipped';
}

function wishesOf({ repo, lease, look }: Recording, { finding, revision }: Decided): Wish[] {
  if (look.kind !== 'read') {
    return [];
  }
  const source = look.revision.kind === 'absent' ? '' : look.revision.source;
  const isNew = revision !== undefined;
  return forgeWishes({
    repo,
    commit: look.commit,
    finding,
    before: lease.conditions,
    source,
    isNew,
  });
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
      ...(finding.kind === 'unreviewed' && { againInMs: VOTE_POLL_MS }),
    },
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
