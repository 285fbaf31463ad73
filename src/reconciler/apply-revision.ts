import type { NextCronTime } from '../config/cron-times.ts';
import { writeAudit } from '../db/audit.ts';
import {
  moveConfigObjects,
  retireConfigObjects,
  upsertConfigObjects,
} from '../db/config-objects.ts';
import type { Queryable } from '../db/db.ts';
import type { Repo } from '../db/repos.ts';
import type { RevisionFiles } from '../db/revisions.ts';
import { recordRevision } from '../db/revisions.ts';
import type { ScheduleTimes } from '../db/schedules.ts';
import { retireSchedules, upsertSchedules } from '../db/schedules.ts';
import type { Change, ConfigObject } from '../domain/plan.ts';
import { summarizePlan } from '../domain/plan.ts';
import { firstOccurrence, jitterMs } from '../domain/schedule-policy.ts';
import type { ScheduleSpec } from '../domain/spec.ts';
import type { ZoneOffset } from '../domain/zone-offset.ts';
import type { ForgeCommit } from '../forge/forge.ts';
import { applyLanes } from './apply-lanes.ts';
import type { ReadRevision } from './read-revision.ts';

export interface ApplyDeps {
  nextCronTime: NextCronTime;
  zoneOffset: ZoneOffset;
  /** How many jobs of one repository may run at once, over all its agents. */
  repoConcurrency: number;
}

export interface Application {
  readonly repo: Repo;
  readonly commit: ForgeCommit;
  readonly revision: Extract<ReadRevision, { kind: 'valid' }>;
  /** What runs now, and how that becomes what the revision says. */
  readonly inForce: RevisionFiles | null;
  readonly actual: readonly ConfigObject[];
  readonly changes: readonly Change[];
  /** Retirements that wait for a person are left out of force, and everything else goes ahead. */
  readonly holdPrune: boolean;
  /** The database's time, in epoch milliseconds. */
  readonly now: number;
}

/**
 * Puts a revision in force in the caller's transaction: what changed, what is gone, the revision, the record of
 * it. Lanes come last (they are locked last everywhere), and only those whose limits differ are touched.
 */
export async function applyRevision(
  deps: ApplyDeps,
  tx: Queryable,
  application: Application,
): Promise<number> {
  const { repo, commit, revision, actual, changes, holdPrune } = application;
  const { spec, objects } = revision.loaded;
  const revisionId = await bringIntoForce(tx, application);

  const written = changes.flatMap(({ after }) => (after ? [after] : []));
  const retired = holdPrune ? [] : changes.filter(({ action }) => action === 'retire');
  if (hasMoved(actual, objects)) {
    await moveConfigObjects(tx, repo.id, objects);
  }
  if (written.length > 0) {
    await upsertConfigObjects(tx, { repoId: repo.id, revisionId }, written);
  }
  if (retired.length > 0) {
    await retireConfigObjects(tx, repo.id, retired);
  }
  await applySchedules(deps, tx, application, { written, retired });
  if (written.length + retired.length > 0) {
    await writeAudit(tx, {
      actor: commit.authorName,
      action: 'revision.applied',
      target: commit.sha,
      repoId: repo.id,
      detail: { ...summarizePlan(changes), prune_held: holdPrune },
    });
  }
  await applyLanes(tx, {
    repoId: repo.id,
    spec,
    repoConcurrency: deps.repoConcurrency,
    // Claims of an agent that is gone from the file end at once, also while its removal waits for a person.
    goneHold: holdPrune ? 'disabled' : 'removed',
  });
  return revisionId;
}

/** Read again, the commit in force writes no row: its plan says what it changed when it came. */
async function bringIntoForce(
  tx: Queryable,
  { repo, commit, revision, inForce, changes }: Application,
): Promise<number> {
  const { spec, digest, diagnostics } = revision.loaded;
  if (inForce?.commit === commit.sha && inForce.digest === digest) {
    return inForce.id;
  }
  return recordRevision(tx, {
    repoId: repo.id,
    commit: commit.sha,
    blobs: revision.blobs,
    digest,
    state: 'applied',
    spec,
    source: revision.source,
    author: `${commit.authorName} <${commit.authorEmail}>`,
    subject: commit.subject,
    plan: { summary: summarizePlan(changes), changes },
    diagnostics,
  });
}

function hasMoved(actual: readonly ConfigObject[], desired: readonly ConfigObject[]): boolean {
  const lines = new Map(actual.map(({ kind, name, line }) => [`${kind}/${name}`, line]));
  return desired.some(({ kind, name, line }) => (lines.get(`${kind}/${name}`) ?? line) !== line);
}

async function applySchedules(
  deps: ApplyDeps,
  tx: Queryable,
  { repo, revision, now }: Application,
  { written, retired }: { written: readonly ConfigObject[]; retired: readonly Change[] },
): Promise<void> {
  const times = written
    .filter(({ kind }) => kind === 'schedule')
    .flatMap(({ name }) => {
      const spec = revision.loaded.spec.schedules[name];
      return spec ? [timesOf(deps, { repoId: repo.id, name, spec, now })] : [];
    });
  if (times.length > 0) {
    await upsertSchedules(tx, repo.id, times);
  }
  const gone = retired.filter(({ kind }) => kind === 'schedule').map(({ name }) => name);
  if (gone.length > 0) {
    await retireSchedules(tx, repo.id, gone);
  }
}

/** A schedule that is new or changed begins now: nothing of its old pattern is made up for. */
function timesOf(
  { nextCronTime, zoneOffset }: ApplyDeps,
  { repoId, name, spec, now }: { repoId: number; name: string; spec: ScheduleSpec; now: number },
): ScheduleTimes {
  const next = spec.enabled
    ? firstOccurrence(spec, now, {
        nextAfter: (at) => nextCronTime(spec.cron, spec.timezone, at),
        zoneOffset,
      })
    : undefined;
  const dueAt = (nominal: number): Date =>
    new Date(nominal + jitterMs({ repo: String(repoId), name, spec }));
  return {
    name,
    spec,
    nextAt: next === undefined ? null : new Date(next),
    dueAt: next === undefined ? null : dueAt(next),
  };
}
