import type { Diagnostic } from '../config/diagnostics.ts';
import { hasErrors } from '../config/diagnostics.ts';
import type { Condition, ConditionUpdate } from '../domain/conditions.ts';
import {
  clearCondition,
  findCondition,
  setCondition,
  summarizeReady,
} from '../domain/conditions.ts';
import type { ErrorCode } from '../kernel/errors.ts';

/** A source that could not be read for so long is stale: `Ready` becomes Unknown. */
const STALE_AFTER_MS = 15 * 60_000;

/** What one look at a repository found, as far as its conditions go. */
export type Finding =
  | { readonly kind: 'unreadable'; readonly code: ErrorCode | undefined; readonly message: string }
  | { readonly kind: 'absent'; readonly confirmed: boolean; readonly branch: string }
  | { readonly kind: 'invalid'; readonly diagnostics: readonly Diagnostic[] }
  | {
      readonly kind: 'prune_held';
      readonly retire: number;
      readonly digest: string;
      readonly path: string;
      readonly diagnostics: readonly Diagnostic[];
    }
  /** Valid, and past review: what was in force stays. */
  | {
      readonly kind: 'unreviewed';
      readonly reason: string;
      readonly diagnostics: readonly Diagnostic[];
    }
  | { readonly kind: 'applied'; readonly diagnostics: readonly Diagnostic[] }
  /** Another commit with the same files: the verdict on them stands. */
  | { readonly kind: 'unchanged' };

/**
 * The conditions after a look. What could not be read changes nothing that was known: "could not read" is never
 * "is absent", and a config that was valid stays so.
 */
export function conditionsAfter(
  before: readonly Condition[],
  finding: Finding,
  { revision, now }: { revision: string | undefined; now: number },
): Condition[] {
  const observed = revision === undefined ? {} : { observedRevision: revision };
  let list = [...before];
  const set = (update: ConditionUpdate): void => {
    list = setCondition(list, update, now);
  };
  const stalled = (
    reason: 'ConfigInvalid' | 'ConfigNotFound' | 'ConfigUnreviewed' | 'PruneNeedsConfirmation',
    message: string,
  ): void => set({ type: 'Stalled', status: 'True', reason, message, ...observed });

  list = clearCondition(list, 'Reconciling');
  if (finding.kind !== 'unreadable') {
    list = clearCondition(list, 'Stalled');
    set({
      type: 'SourceReady',
      status: 'True',
      reason: 'Fetched',
      message: 'The default branch was read.',
      ...observed,
    });
  }
  switch (finding.kind) {
    case 'unreadable':
      set({
        type: 'SourceReady',
        status: 'False',
        reason: finding.code === 'NOT_FOUND' ? 'BranchNotFound' : 'Unreachable',
        message: finding.message,
        ...observed,
      });
      break;
    case 'absent':
      set({
        type: 'SourceReady',
        status: finding.confirmed ? 'False' : 'True',
        reason: finding.confirmed ? 'ConfigNotFound' : 'Fetched',
        message: absence(finding),
        ...observed,
      });
      if (finding.confirmed) {
        stalled('ConfigNotFound', absence(finding));
      } else {
        set({
          type: 'Reconciling',
          status: 'True',
          reason: 'Progressing',
          message: absence(finding),
          ...observed,
        });
      }
      break;
    case 'invalid':
      set({ ...configValid(finding.diagnostics), ...observed });
      set({ type: 'PolicyCompliant', ...policyVerdict(finding.diagnostics), ...observed });
      stalled('ConfigInvalid', summarize(finding.diagnostics));
      break;
    case 'prune_held':
      set({ ...configValid(finding.diagnostics), ...observed });
      set({ type: 'PolicyCompliant', ...policyVerdict(finding.diagnostics), ...observed });
      stalled(
        'PruneNeedsConfirmation',
        `${finding.retire} objects would be retired at once, which the policy leaves to a person. What was added or changed is in ` +
          `force; confirm the rest with \`autodev sync ${finding.path} --confirm-prune ${finding.digest.slice(0, 12)}\`.`,
      );
      break;
    case 'unreviewed':
      set({ ...configValid(finding.diagnostics), ...observed });
      set({ type: 'PolicyCompliant', ...policyVerdict(finding.diagnostics), ...observed });
      stalled(
        'ConfigUnreviewed',
        `${finding.reason} What was in force before stays. Bring it by a merge request, or vote for it: \`autodev approvals\`.`,
      );
      break;
    case 'applied':
      set({ ...configValid(finding.diagnostics), ...observed });
      set({ type: 'PolicyCompliant', ...policyVerdict(finding.diagnostics), ...observed });
      break;
    case 'unchanged':
      list = list.map((condition) => ({ ...condition, ...observed }));
      break;
    default:
      finding satisfies never;
  }

  const since = findCondition(list, 'SourceReady')?.lastTransitionTime ?? now;
  // Before the first good read there is nothing that could stay good for a while.
  const neverRead = findCondition(list, 'ConfigValid') === undefined;
  const stale = finding.kind === 'unreadable' && (neverRead || now - since > STALE_AFTER_MS);
  set(summarizeReady(list, { revision, stale }));
  return list;
}

function configValid(
  diagnostics: readonly Diagnostic[],
): Extract<ConditionUpdate, { type: 'ConfigValid' }> {
  if (!hasErrors(diagnostics)) {
    const warnings = diagnostics.length;
    return {
      type: 'ConfigValid',
      status: 'True',
      reason: warnings === 0 ? 'Valid' : 'ValidWithWarnings',
      message: warnings === 0 ? 'autodev.yaml is valid.' : summarize(diagnostics),
    };
  }
  return {
    type: 'ConfigValid',
    status: 'False',
    reason: 'SchemaError',
    message: summarize(diagnostics),
  };
}

type PolicyVerdict = Pick<
  Extract<ConditionUpdate, { type: 'PolicyCompliant' }>,
  'status' | 'reason' | 'message'
>;

function policyVerdict(diagnostics: readonly Diagnostic[]): PolicyVerdict {
  const violation = diagnostics.find(({ code }) => code === 'policy_violation');
  if (violation) {
    return { status: 'False', reason: 'Violation', message: violation.message };
  }
  const clamped = diagnostics.find(({ code }) => code === 'policy_clamped');
  return clamped
    ? { status: 'True', reason: 'Clamped', message: clamped.message }
    : { status: 'True', reason: 'Compliant', message: 'The policy allows all of it.' };
}

function absence({ branch, confirmed }: { branch: string; confirmed: boolean }): string {
  return confirmed
    ? `There is no autodev.yaml on ${branch}. Nothing new is started until there is one: \`autodev init\` writes it.`
    : `There is no autodev.yaml on ${branch}; it is read once more before that counts.`;
}

/** The first problem with its place, and how many more there are. */
function summarize(diagnostics: readonly Diagnostic[]): string {
  const [first, ...rest] = diagnostics;
  if (!first) {
    return 'autodev.yaml is valid.';
  }
  const more = rest.length === 0 ? '' : ` (and ${rest.length} more)`;
  return `autodev.yaml:${first.line}:${first.column} ${first.message}${more}`;
}
