import type { NextCronTime } from '../config/cron-times.ts';
import type { Diagnostic } from '../config/diagnostics.ts';
import type { LoadedConfig } from '../config/load.ts';
import type { RepoLimits } from '../config/repo-limits.ts';
import { listConfigObjects } from '../db/config-objects.ts';
import type { Db } from '../db/db.ts';
import { countLaneJobs } from '../db/lane-jobs.ts';
import type { Repo } from '../db/repos.ts';
import { getRepo } from '../db/repos.ts';
import { findRevisionInForce } from '../db/revisions.ts';
import type { RiskOf } from '../domain/plan-paths.ts';
import type { Change } from '../domain/plan.ts';
import { loosens, planChanges, summarizePlan } from '../domain/plan.ts';
import type { RepoSpec } from '../domain/spec.ts';
import type { ZoneOffset } from '../domain/zone-offset.ts';
import type { Forge } from '../forge/forge.ts';
import type { Clock } from '../kernel/clock.ts';
import { AppError } from '../kernel/errors.ts';
import { isPruneHeld, planDigest, pruneDigest } from './plan-digest.ts';
import type { Plan, PlannedChange } from './plan-document.ts';
import { planEffects } from './plan-effects.ts';
import { planText } from './plan-text.ts';
import type { LoadRevision } from './read-revision.ts';
import { readNamedFile, readRevision } from './read-revision.ts';

export interface PreviewDeps {
  db: Db;
  clock: Clock;
  forge: Forge;
  load: LoadRevision;
  risk: RiskOf;
  nextCronTime: NextCronTime;
  zoneOffset: ZoneOffset;
  /** What ops say of a repository, by its path. */
  limitsOf: (path: string) => RepoLimits;
}

/** The plan with its text, as the API answers it. */
export async function planRepo(
  deps: PreviewDeps,
  repoId: number,
  options: { text?: string | undefined },
): Promise<{ empty: boolean; plan: Plan; text: string; diagnostics: readonly Diagnostic[] }> {
  const plan = await previewPlan(deps, await getRepo(deps.db, repoId), options);
  return {
    empty: !plan.summary.changes,
    plan,
    text: planText(deps, plan),
    diagnostics: plan.diagnostics,
  };
}

/**
 * Says what would change if `text`, or else the newest file on the default branch, came into force; nothing is
 * kept. An invalid file is a plan without changes and with its errors. Throws SOURCE_UNREADABLE, or NOT_FOUND
 * when there is no file.
 */
export async function previewPlan(
  deps: PreviewDeps,
  repo: Repo,
  { text }: { text?: string | undefined } = {},
): Promise<Plan> {
  const head = await readHead(deps, repo);
  return planLoaded(deps, repo, { head, loaded: await loadAt(deps, repo, { head, text }) });
}

/** The plan of a file that was loaded already, as `head` would bring it. */
export async function planLoaded(
  deps: Omit<PreviewDeps, 'forge' | 'load'>,
  repo: Repo,
  { head, loaded }: { head: string; loaded: Loaded },
): Promise<Plan> {
  const { db, risk } = deps;
  const inForce = await findRevisionInForce(db, repo.id);
  const actual = await listConfigObjects(db, repo.id);
  const changes = loaded.ok ? planChanges(loaded.objects, actual, risk) : [];
  const { create: add, update: change, retire: remove, loosening } = summarizePlan(changes);

  return {
    format_version: '1.0',
    repo: repo.path,
    head,
    in_force: inForce ? { commit: inForce.commit } : null,
    digest: planDigest(changes),
    valid: loaded.ok,
    summary: {
      changes: changes.length > 0,
      add,
      change,
      remove,
      loosening,
      warnings: loaded.diagnostics.filter(({ severity }) => severity === 'warning').length,
      destructive: remove > 0,
    },
    changes: planned(changes),
    effects: planEffects(deps, {
      before: inForce?.spec,
      after: loaded.ok ? loaded.spec : inForce?.spec,
      jobs: await countLaneJobs(db, repo.id),
    }),
    prune: {
      held: isPruneHeld(changes, {
        actualCount: actual.length,
        confirmed: null,
        limits: deps.limitsOf(repo.path).prune,
      }),
      digest: pruneDigest(changes),
    },
    diagnostics: loaded.diagnostics,
  };
}

async function readHead({ forge }: PreviewDeps, repo: Repo): Promise<string> {
  const head = (await forge.readHeads([repo], new AbortController().signal)).get(repo.id);
  if (typeof head !== 'string') {
    throw head instanceof AppError
      ? head
      : new AppError('SOURCE_UNREADABLE', `${repo.path} could not be read`, { cause: head });
  }
  return head;
}

/** A file that was loaded, as far as a plan asks. */
type Loaded =
  | {
      ok: true;
      spec: RepoSpec;
      objects: Extract<LoadedConfig, { ok: true }>['objects'];
      diagnostics: readonly Diagnostic[];
    }
  | { ok: false; diagnostics: readonly Diagnostic[] };

async function loadAt(
  { forge, load }: PreviewDeps,
  repo: Repo,
  { head, text }: { head: string; text: string | undefined },
): Promise<Loaded> {
  const { signal } = new AbortController();
  if (text !== undefined) {
    const read = readNamedFile({ forge }, repo, head, signal);
    return load(repo, Buffer.from(text), read);
  }
  const revision = await readRevision({ forge, load }, repo, head, signal);
  switch (revision.kind) {
    case 'absent':
      throw new AppError('NOT_FOUND', `there is no autodev.yaml on ${repo.branch}`, {
        remedy:
          'Write one with `autodev init` and commit it, or plan a file: `--file autodev.yaml`.',
      });
    case 'invalid':
      return { ok: false, diagnostics: revision.diagnostics };
    case 'valid':
      return revision.loaded;
    default:
      return revision satisfies never;
  }
}

function planned(changes: readonly Change[]): PlannedChange[] {
  return changes
    .map((change) => ({
      action: change.action,
      kind: change.kind,
      key: change.name,
      loosens: loosens(change),
      source: { line: (change.after ?? change.before)?.line ?? 1 },
      paths: change.paths
        .map(({ path, before, after, risk }) => ({ path, before, after, risk }))
        .sort((a, b) => looseningFirst(a.risk === 'loosens', b.risk === 'loosens')),
    }))
    .sort((a, b) => looseningFirst(a.loosens, b.loosens));
}

function looseningFirst(a: boolean, b: boolean): number {
  return Number(b) - Number(a);
}
