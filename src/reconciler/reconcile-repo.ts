import type { Diagnostic } from '../config/diagnostics.ts';
import { sha256 } from '../config/objects.ts';
import { listConfigObjects } from '../db/config-objects.ts';
import type { Db, Queryable } from '../db/db.ts';
import { recordEvents } from '../db/events.ts';
import type { DueRepo } from '../db/repo-sync.ts';
import { holdsLease, recordOutcome, releaseLease, takeLease } from '../db/repo-sync.ts';
import { recordRevision } from '../db/revisions.ts';
import { backoffMs } from '../domain/backoff.ts';
import type { RiskOf } from '../domain/plan-paths.ts';
import type { Change } from '../domain/plan.ts';
import { isMassPrune, planChanges, planDigestInput, summarizePlan } from '../domain/plan.ts';
import type { Forge, ForgeCommit } from '../forge/forge.ts';
import type { Clock } from '../kernel/clock.ts';
import { AppError } from '../kernel/errors.ts';
import type { Log } from '../kernel/log.ts';
import { suspendLanes } from './apply-lanes.ts';
import type { ApplyDeps } from './apply-revision.ts';
import { applyRevision } from './apply-revision.ts';
import type { Observed } from './observe.ts';
import type { LoadRevision, ReadRevision } from './read-revision.ts';
import { readRevision } from './read-revision.ts';
import type { Finding } from './status.ts';
import { conditionsAfter } from './status.ts';

const LEASE_MS = 60_000;
/** Between the first read that finds no file and the second, after which "absent" is believed. */
const SECOND_READ_MS = 1000;

export interface ReconcileDeps extends ApplyDeps {
  db: Db;
  clock: Clock;
  log: Log;
  forge: Forge;
  load: LoadRevision;
  /** Whether a change of a path loosens; from the schema's `x-risk`. */
  risk: RiskOf;
  /** Names this reconciler in leases. */
  owner: string;
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
  const epoch = await takeLease(db, { repoId: repo.id, owner, leaseMs: LEASE_MS });
  if (epoch === undefined) {
    return 'skipped';
  }
  try {
    const look = await lookAt(deps, { repo, head }, signal);
    const result = await db.transaction(async (tx) => {
      if (!(await holdsLease(tx, { repoId: repo.id, epoch }))) {
        return 'skipped';
      }
      return record(deps, tx, { repo, epoch, look });
    });
    log.info({ repo: repo.path, result, commit: look.commit?.sha }, 'repository reconciled');
    return result;
  } finally {
    await releaseLease(db, { repoId: repo.id, epoch });
  }
}

/** What was read, before anything is decided. */
type Look =
  | { readonly commit: undefined; readonly failure: Error }
  | { readonly commit: ForgeCommit; readonly revision: ReadRevision };

async function lookAt(
  { forge, load }: ReconcileDeps,
  { repo, head }: Observed,
  signal: AbortSignal,
): Promise<Look> {
  if (head instanceof Error) {
    return { commit: undefined, failure: head };
  }
  try {
    const commit = await forge.readCommit(repo, head, signal);
    return { commit, revision: await readRevision({ forge, load }, repo, head, signal) };
  } catch (error) {
    // A source error changes nothing that was known; anything else is a bug.
    if (error instanceof AppError) {
      return { commit: undefined, failure: error };
    }
    throw error;
  }
}

interface Recording {
  readonly repo: DueRepo;
  readonly epoch: number;
  readonly look: Look;
}

async function record(
  deps: ReconcileDeps,
  tx: Queryable,
  { repo, epoch, look }: Recording,
): Promise<ReconcileResult> {
  const now = deps.clock.now().getTime();
  const finding = await decide(deps, tx, { repo, look, now });
  const failures = look.commit === undefined ? repo.failures + 1 : 0;
  const absent = finding.kind === 'absent';

  await recordOutcome(tx, {
    repoId: repo.id,
    epoch,
    failures,
    missingReads: absent ? Math.min(repo.missingReads + 1, 2) : 0,
    conditions: conditionsAfter(repo.conditions, finding, { revision: look.commit?.sha, now }),
    answeredDirtyAt: look.commit === undefined ? null : repo.dirtyAt,
    ...(look.commit && { head: look.commit.sha, observedDigest: deps.inputsVersion }),
    ...('revisionId' in finding && { revisionId: finding.revisionId }),
    ...(finding.kind !== 'unreadable' && { diagnostics: diagnosticsOf(finding) }),
    ...(absent && finding.confirmed && { suspended: 'ConfigNotFound' }),
    ...('revisionId' in finding && { suspended: null }),
    ...(failures > 0 && { againInMs: backoffMs(failures, repo.path) }),
    ...(absent && !finding.confirmed && { againInMs: SECOND_READ_MS }),
  });
  if (look.commit && look.commit.sha !== repo.head) {
    await recordEvents(tx, [pushed(repo, look.commit)]);
  }
  return finding.kind;
}

type Decided = Finding & { readonly revisionId?: number };

/** Decides what the look means, and writes what follows from it apart from the status. */
async function decide(
  deps: ReconcileDeps,
  tx: Queryable,
  { repo, look, now }: { repo: DueRepo; look: Look; now: number },
): Promise<Decided> {
  if (look.commit === undefined) {
    const { failure } = look;
    const code = failure instanceof AppError ? failure.code : undefined;
    return { kind: 'unreadable', code, message: failure.message };
  }

  const { commit, revision } = look;
  switch (revision.kind) {
    case 'absent': {
      const confirmed = repo.missingReads > 0;
      if (confirmed) {
        await suspendLanes(tx, repo.id, 'The default branch holds no autodev.yaml.');
      }
      return { kind: 'absent', confirmed, branch: repo.branch };
    }
    case 'invalid':
      await recordRevision(tx, {
        repoId: repo.id,
        commit: commit.sha,
        blobs: revision.blobs,
        digest: `invalid:${sha256(revision.source)}`,
        state: 'invalid',
        spec: undefined,
        source: revision.source,
        author: `${commit.authorName} <${commit.authorEmail}>`,
        subject: commit.subject,
        plan: null,
        diagnostics: revision.diagnostics,
      });
      return { kind: 'invalid', diagnostics: revision.diagnostics };
    case 'valid':
      return apply(deps, tx, { repo, commit, revision, now });
    default:
      return revision satisfies never;
  }
}

async function apply(
  deps: ReconcileDeps,
  tx: Queryable,
  {
    repo,
    commit,
    revision,
    now,
  }: {
    repo: DueRepo;
    commit: ForgeCommit;
    revision: Extract<ReadRevision, { kind: 'valid' }>;
    now: number;
  },
): Promise<Decided> {
  const actual = await listConfigObjects(tx, repo.id);
  const changes = planChanges(revision.loaded.objects, actual, deps.risk);
  const digest = planDigest(changes);
  const holdPrune =
    isMassPrune(changes, actual.length) &&
    (repo.confirmedPrune === null || !digest.startsWith(repo.confirmedPrune));
  const revisionId = await applyRevision(deps, tx, {
    repo,
    commit,
    revision,
    changes,
    holdPrune,
    now,
  });

  return holdPrune
    ? {
        kind: 'prune_held',
        revisionId,
        retire: summarizePlan(changes).retire,
        digest,
        path: repo.path,
        diagnostics: revision.loaded.diagnostics,
      }
    : { kind: 'applied', revisionId, diagnostics: revision.loaded.diagnostics };
}

/** Identifies a plan: a confirmation that was given for one never confirms another. */
export function planDigest(changes: readonly Change[]): string {
  return sha256(planDigestInput(changes));
}

function diagnosticsOf(finding: Finding): readonly Diagnostic[] {
  return 'diagnostics' in finding ? finding.diagnostics : [];
}

function pushed(repo: DueRepo, commit: ForgeCommit): Parameters<typeof recordEvents>[1][number] {
  return {
    repoId: repo.id,
    type: 'push',
    key: `push:${repo.id}:${commit.sha}`,
    payload: {
      sha: commit.sha,
      ref: repo.branch,
      actor: commit.authorName,
      subject: commit.subject,
    },
  };
}
