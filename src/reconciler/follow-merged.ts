import { CONFIG_FILE } from '../config/config-file.ts';
import { listConfigObjects } from '../db/config-objects.ts';
import type { PlannedObject, PlanState } from '../db/config-plans.ts';
import type { LaterRevision } from '../db/revisions.ts';
import { findRevisionInForce, listRevisionsOf } from '../db/revisions.ts';
import { isJsonObject } from '../domain/canonical-json.ts';
import { changedAmong } from './merged-files.ts';
import type { Difference, Merged } from './plan-note-forms.ts';
import { mergedNote } from './plan-note-forms.ts';
import type { Look, PlanDeps, Verdict } from './plan-verdict.ts';
import { unrelated } from './plan-verdict.ts';

const SHORTEST_WAIT_MS = 1000;
const LONGEST_WAIT_MS = 60_000;
/** After this nobody waits for an answer any more: the file was overtaken by a later one, or the reconciler is away. */
const GIVE_UP_MS = 3_600_000;
const LONGEST_HOLD_MS = 30 * 86_400_000;

/** Says of a merged merge request whether what it brought is in force, and whether that is what was planned. */
export async function followMerged(deps: PlanDeps, look: Look): Promise<Verdict> {
  const { due, request, signal } = look;
  const { repo } = due;
  const { head, base, mergedCommit, mergedAt = deps.clock.now() } = request;
  const age = deps.clock.now().getTime() - mergedAt.getTime();
  if (['closed', 'applied', 'differs', 'refused'].includes(due.state)) {
    return { outcome: { state: due.state } };
  }
  if (due.state === 'new' || due.state === 'unrelated') {
    const inForce = await findRevisionInForce(deps.db, repo.id);
    const paths = [...new Set([CONFIG_FILE, ...Object.keys(inForce?.blobs ?? {})])];
    const touched = await changedAmong(deps, repo, { from: base, to: head, paths }, signal);
    if (touched.length === 0 || age > GIVE_UP_MS) {
      return { outcome: { ...unrelated(due, head).outcome, state: 'closed' } };
    }
  }

  const merged =
    mergedCommit === undefined ? undefined : await find(deps, look, mergedCommit, mergedAt);
  const known = { mergedAt, ...(mergedCommit !== undefined && { mergedCommit }) };
  if (!merged) {
    const isOver = age > GIVE_UP_MS;
    const againInMs = Math.min(Math.max(age / 4, SHORTEST_WAIT_MS), LONGEST_WAIT_MS);
    return {
      outcome: { state: isOver ? 'closed' : 'merged', ...known, ...(!isOver && { againInMs }) },
      ...(mergedCommit !== undefined && {
        note: mergedNote(mergedCommit, { kind: isOver ? 'overtaken' : 'waiting' }),
      }),
    };
  }
  // One that waits for people may still come into force.
  const waits = merged.kind === 'held' && age < LONGEST_HOLD_MS;
  return {
    outcome: {
      state: waits ? 'merged' : stateOf(merged),
      ...known,
      ...(waits && { againInMs: LONGEST_WAIT_MS }),
    },
    note: mergedNote(mergedCommit ?? head, merged),
  };
}

function stateOf(merged: Merged): PlanState {
  switch (merged.kind) {
    case 'applied':
      return merged.differences.length > 0 ? 'differs' : 'applied';
    case 'invalid':
    case 'held':
      return 'refused';
    case 'waiting':
      return 'merged';
    case 'overtaken':
      return 'closed';
    default:
      return merged satisfies never;
  }
}

/** What became of the files of the merge; undefined while nobody has read them. */
async function find(
  deps: PlanDeps,
  { due, request, signal }: Look,
  commit: string,
  mergedAt: Date,
): Promise<Merged | undefined> {
  const { db, forge } = deps;
  const { repo } = due;
  const file = await forge.readFile(repo, { commit, path: CONFIG_FILE, maxBytes: 0 }, signal);
  if (!file) {
    // It took the file away: the second read that finds none suspends the repository.
    return { kind: 'applied', afterMs: undefined, differences: [], wasPlanned: true };
  }
  const candidates = await listRevisionsOf(db, {
    repoId: repo.id,
    path: CONFIG_FILE,
    blob: file.blob,
    after: due.plannedOn,
    since: mergedAt,
  });
  for (const revision of candidates) {
    if (await hasFiles(deps, { due, request, signal }, { revision, commit })) {
      return describe(deps, { due, request, signal }, revision, mergedAt);
    }
  }
  return undefined;
}

async function hasFiles(
  { forge }: PlanDeps,
  { due, signal }: Look,
  { revision, commit }: { revision: LaterRevision; commit: string },
): Promise<boolean> {
  for (const [path, blob] of Object.entries(revision.blobs)) {
    const file = await forge.readFile(due.repo, { commit, path, maxBytes: 0 }, signal);
    if (file?.blob !== blob) {
      return false;
    }
  }
  return true;
}

async function describe(
  { db }: PlanDeps,
  { due, request }: Look,
  revision: LaterRevision,
  mergedAt: Date,
): Promise<Merged | undefined> {
  switch (revision.state) {
    case 'invalid': {
      return { kind: 'invalid', first: problemIn(revision.diagnostics) };
    }
    case 'held': {
      const reason = isJsonObject(revision.hold) ? revision.hold['reason'] : undefined;
      return { kind: 'held', reason: typeof reason === 'string' ? reason : 'It waits for people.' };
    }
    case 'superseded':
      return undefined;
    case 'applied':
      break;
    default:
      return revision.state satisfies never;
  }
  const wasPlanned = due.digest !== null && due.head === request.head;
  const inForce = await findRevisionInForce(db, due.repo.id);
  const isNow = inForce?.id === revision.id;
  const same = revision.digest === due.digest;
  return {
    kind: 'applied',
    afterMs: revision.appliedAt ? revision.appliedAt.getTime() - mergedAt.getTime() : undefined,
    wasPlanned,
    // Of what a later revision replaced only the digest is left to compare.
    differences:
      isNow && wasPlanned
        ? compare(due.objects ?? [], await listConfigObjects(db, due.repo.id))
        : same || !wasPlanned
          ? []
          : [{ object: { kind: 'repo', name: 'repo' }, how: 'other' }],
  };
}

function problemIn(
  diagnostics: readonly unknown[],
): { line: number; message: string; remedy: string } | undefined {
  const [found] = diagnostics.flatMap((one) => {
    const { severity, line, message, remedy } = isJsonObject(one) ? one : {};
    return severity === 'error' && typeof line === 'number' && typeof message === 'string'
      ? [{ line, message, remedy: typeof remedy === 'string' ? remedy : '' }]
      : [];
  });
  return found;
}

function compare(
  planned: readonly PlannedObject[],
  actual: readonly PlannedObject[],
): Difference[] {
  const name = ({ kind, name: own }: PlannedObject): string => `${kind}/${own}`;
  const runs = new Map(actual.map((object) => [name(object), object]));
  const wanted = new Set(planned.map(name));
  return [
    ...planned.flatMap((object): Difference[] => {
      const found = runs.get(name(object));
      return found?.hash === object.hash ? [] : [{ object, how: found ? 'other' : 'missing' }];
    }),
    ...actual
      .filter((object) => !wanted.has(name(object)))
      .map((object): Difference => ({ object, how: 'extra' })),
  ];
}
