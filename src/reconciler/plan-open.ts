import { CONFIG_FILE } from '../config/config-file.ts';
import type { Diagnostic } from '../config/diagnostics.ts';
import { listOpenPlans } from '../db/config-plans.ts';
import { spentSince } from '../db/ledger.ts';
import type { RevisionInForce } from '../db/revisions.ts';
import { findRevisionInForce } from '../db/revisions.ts';
import type { StatusWish } from '../forge/review.ts';
import { changedAmong, mergedFiles } from './merged-files.ts';
import { neededApproval } from './needed-approval.ts';
import { invalidNote, removedNote, staleNote, unchangedNote } from './plan-note-forms.ts';
import type { PlannedAt } from './plan-note.ts';
import { planNote } from './plan-note.ts';
import type { Look, PlanDeps, Verdict } from './plan-verdict.ts';
import { unrelated } from './plan-verdict.ts';
import { planLoaded } from './preview.ts';
import type { ReadRevision } from './read-revision.ts';
import { readRevision } from './read-revision.ts';

const COST_DAYS = 30;

/** Says what would come if an open merge request were merged now. */
export async function planOpen(deps: PlanDeps, look: Look): Promise<Verdict> {
  const { due, request, signal } = look;
  const { repo } = due;
  const { head, base } = request;
  const inForce = await findRevisionInForce(deps.db, repo.id);
  const paths = [...new Set([CONFIG_FILE, ...Object.keys(inForce?.blobs ?? {})])];
  const touched = await changedAmong(deps, repo, { from: base, to: head, paths }, signal);
  if (touched.length === 0) {
    return unrelated(due, head);
  }

  const targetHead = due.targetHead ?? base;
  const files = mergedFiles(deps, { base, head, target: targetHead });
  const revision = await readRevision({ forge: files, load: deps.load }, repo, head, signal);
  const at: PlannedAt = { head, target: repo.branch, targetHead };
  const found =
    files.clashes.size > 0
      ? stale(at, [...files.clashes])
      : await judgeRevision(deps, { look, at, inForce, revision });
  return {
    ...found,
    note: found.note === undefined ? undefined : await withOthers(deps, look, found.note),
    outcome: {
      ...found.outcome,
      head,
      targetHead: due.targetHead,
      revisionId: due.revisionId,
      inputs: deps.inputsVersion,
    },
    // A fork's commits are no business of this project's pipelines.
    statuses: request.isFork
      ? []
      : found.statuses.map((status) => ({
          ...status,
          sha: head,
          branch: request.sourceBranch,
        })),
  };
}

type Found = Omit<Verdict, 'statuses'> & {
  readonly statuses: readonly Omit<StatusWish, 'branch'>[];
};

function configStatus(state: StatusWish['state'], description: string): Omit<StatusWish, 'branch'> {
  return { name: 'autodev/config', state, description };
}

function stale(at: PlannedAt, paths: readonly string[]): Found {
  return {
    outcome: { state: 'stale' },
    note: staleNote({ at, paths }),
    statuses: [configStatus('failed', `${at.target} changed the same file: merge it or rebase`)],
  };
}

async function judgeRevision(
  deps: PlanDeps,
  {
    look: { due },
    at,
    inForce,
    revision,
  }: {
    look: Look;
    at: PlannedAt;
    inForce: RevisionInForce | undefined;
    revision: ReadRevision;
  },
): Promise<Found> {
  switch (revision.kind) {
    case 'absent':
      return {
        outcome: { state: 'planned' },
        note: removedNote({ at }),
        statuses: [configStatus('success', 'autodev.yaml is removed: nothing new would start')],
      };
    case 'invalid':
      return {
        outcome: { state: 'invalid' },
        note: invalidNote({ ...revision, at, inForce: inForce?.commit }),
        statuses: [configStatus('failed', firstProblem(revision.diagnostics))],
      };
    case 'valid':
      break;
    default:
      return revision satisfies never;
  }

  const { loaded } = revision;
  const plan = await planLoaded(deps, due.repo, { head: at.head, loaded });
  const planned = {
    digest: loaded.digest,
    objects: loaded.objects.map(({ kind, name, hash }) => ({ kind, name, hash })),
  };
  const approval = neededApproval(deps, { plan, inForce: inForce?.spec });
  if (!plan.summary.changes) {
    return {
      outcome: { state: 'unchanged', ...planned },
      note: unchangedNote({ at }),
      statuses: [configStatus('success', 'No change to what runs'), approval.status],
    };
  }
  const { add, change, remove, loosening } = plan.summary;
  const spent = await spentSince(deps.db, { repoId: due.repo.id, days: COST_DAYS });
  const loose = loosening === 0 ? '' : `, ${loosening} of them loosen`;
  return {
    outcome: { state: 'planned', ...planned },
    note: planNote(deps, {
      plan: { ...plan, effects: { ...plan.effects, spent_usd: spent / 1_000_000 } },
      at,
      approval: approval.text,
    }),
    statuses: [
      configStatus('success', `${add} to add, ${change} to change, ${remove} to remove${loose}`),
      approval.status,
    ],
  };
}

function firstProblem(diagnostics: readonly Diagnostic[]): string {
  const errors = diagnostics.filter(({ severity }) => severity === 'error');
  const [first] = errors;
  const more = errors.length > 1 ? ` (and ${errors.length - 1} more)` : '';
  return first ? `Line ${first.line}: ${first.message}${more}` : 'The configuration is invalid';
}

/** Two plans for one file may each be right and wrong together: people are told of the others. */
async function withOthers({ db }: PlanDeps, { due }: Look, note: string): Promise<string> {
  const others = await listOpenPlans(db, { repoId: due.repo.id, except: due.number });
  return others.length === 0
    ? note
    : `${note}\n\nAlso open on the configuration: ${others
        .slice(0, 10)
        .map((number) => `!${number}`)
        .join(', ')}.`;
}
