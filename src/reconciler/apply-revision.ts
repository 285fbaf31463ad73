import type { NextCronTime } from '../config/cron-times.ts';
import { sha256 } from '../config/objects.ts';
import type { RepoLimits } from '../config/repo-limits.ts';
import type { Repo } from '../db/repos.ts';
import type { NewRevision } from '../db/revisions.ts';
import type { ScheduleTimes } from '../db/schedules.ts';
import type { Running, RunningChanges } from '../db/settle-look.ts';
import type { Change, ConfigObject } from '../domain/plan.ts';
import { summarizePlan } from '../domain/plan.ts';
import { firstOccurrence, jitterMs } from '../domain/schedule-policy.ts';
import type { ScheduleSpec } from '../domain/spec.ts';
import type { ZoneOffset } from '../domain/zone-offset.ts';
import type { ForgeCommit } from '../forge/forge.ts';
import type { ReadRevision } from './read-revision.ts';

export interface ApplyDeps {
  nextCronTime: NextCronTime;
  zoneOffset: ZoneOffset;
  /** What ops say of a repository, by its path. */
  limitsOf: (path: string) => RepoLimits;
}

export interface Application {
  readonly repo: Repo;
  readonly commit: ForgeCommit;
  readonly revision: Extract<ReadRevision, { kind: 'valid' }>;
  /** What runs now, and how that becomes what the revision says. */
  readonly running: Running;
  readonly changes: readonly Change[];
  /** Retirements that wait for a person are left out of force, and everything else goes ahead. */
  readonly holdPrune: boolean;
}

/** The row of a revision that comes into force. */
export function revisionOf({ repo, commit, revision, changes }: Application): NewRevision {
  const { spec, digest, diagnostics } = revision.loaded;
  return {
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
  };
}

/** The row of a file that waits until people have looked at it. */
export function heldRevisionOf(
  repo: Repo,
  commit: ForgeCommit,
  { source, blobs, loaded }: Extract<ReadRevision, { kind: 'valid' }>,
  reason: string,
): NewRevision {
  return {
    repoId: repo.id,
    commit: commit.sha,
    blobs,
    digest: loaded.digest,
    state: 'held',
    spec: loaded.spec,
    source,
    author: `${commit.authorName} <${commit.authorEmail}>`,
    subject: commit.subject,
    plan: null,
    diagnostics: loaded.diagnostics,
    hold: { reason },
  };
}

/** The row of a file that cannot be applied. */
export function invalidRevisionOf(
  repo: Repo,
  commit: ForgeCommit,
  { source, blobs, diagnostics }: Extract<ReadRevision, { kind: 'invalid' }>,
): NewRevision {
  return {
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
  };
}

/** What putting a revision in force writes beside the revision and the lanes: what changed, what is gone, the record. */
export function changesOf(deps: ApplyDeps, application: Application): RunningChanges {
  const { repo, commit, revision, running, changes, holdPrune } = application;
  const { schedules } = revision.loaded.spec;
  const written = changes.flatMap(({ after }) => (after ? [after] : []));
  const retired = holdPrune ? [] : changes.filter(({ action }) => action === 'retire');
  return {
    written,
    moved: movedObjects(application),
    retired,
    schedules: written
      .filter(({ kind }) => kind === 'schedule')
      .flatMap(({ name }) => {
        const spec = schedules[name];
        const now = running.now.getTime();
        return spec ? [timesOf(deps, { repoId: repo.id, name, spec, now })] : [];
      }),
    audit:
      written.length + retired.length === 0
        ? undefined
        : {
            actor: commit.authorName,
            action: 'revision.applied',
            target: commit.sha,
            repoId: repo.id,
            detail: { ...summarizePlan(changes), prune_held: holdPrune },
          },
  };
}

/** The same objects on other lines. Those that changed are written with their line. */
function movedObjects({ revision, running, changes }: Application): ConfigObject[] {
  const lines = new Map(running.objects.map((object) => [identity(object), object.line]));
  const changed = new Set(changes.map(identity));
  return revision.loaded.objects.filter(
    (object) => !changed.has(identity(object)) && lines.get(identity(object)) !== object.line,
  );
}

function identity({ kind, name }: Pick<ConfigObject, 'kind' | 'name'>): string {
  return `${kind}/${name}`;
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
