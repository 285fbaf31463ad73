import type { Diagnostic } from '../config/diagnostics.ts';
import { codeSpan, diffBlock, proseLine } from '../domain/markdown.ts';
import type { ConfigObject } from '../domain/plan.ts';
import type { PlannedAt } from './plan-note.ts';
import { placeLine } from './plan-note.ts';
import { objectName } from './plan-object.ts';

const MOST_PROBLEMS = 20;
const MOST_DIFFERENCES = 50;

/** Each error with its place, what to do, and the line as it should stand; what runs now stays. */
export function invalidNote({
  diagnostics,
  source,
  at,
  inForce,
}: {
  diagnostics: readonly Diagnostic[];
  /** The file, for the line as it stands. */
  source: string;
  at: PlannedAt;
  /** The commit in force; undefined: nothing runs. */
  inForce: string | undefined;
}): string {
  const errors = diagnostics.filter(({ severity }) => severity === 'error');
  const title = errors.length === 1 ? '1 problem' : `${errors.length} problems`;
  const stays = inForce
    ? `What runs stays as it is at ${codeSpan(inForce.slice(0, 8))} if this is merged.`
    : 'Nothing would run if this is merged.';
  return [
    `### Auto-Dev plan: the configuration is invalid (${title})`,
    `${placeLine(at)}. ${stays}`,
    ...invalidProblems(errors, source),
    'Push a correction and this note follows it. `autodev validate` says the same before you push.',
  ].join('\n\n');
}

/** The first errors of a file, a paragraph each, and how many more there are. */
export function invalidProblems(diagnostics: readonly Diagnostic[], source: string): string[] {
  const lines = source.split(/\r\n|\r|\n/u);
  const errors = diagnostics.filter(({ severity }) => severity === 'error');
  const shown = errors.slice(0, MOST_PROBLEMS);
  const more = errors.length - shown.length;
  return [
    ...shown.map((one) => problem(one, lines[one.line - 1])),
    ...(more > 0 ? [`… and ${more} more: \`autodev validate\` lists them all.`] : []),
  ];
}

function problem(
  { line, column, code, message, remedy, corrected }: Diagnostic,
  before: string | undefined,
): string {
  const said = [
    `**Line ${line}, column ${column}** · \`${code}\``,
    `${proseLine(message)} ${proseLine(remedy)}`.trim(),
  ].join('\n');
  if (corrected === undefined) {
    return said;
  }
  const text = diffBlock([
    ...(before === undefined || before === '' ? [] : [{ sign: '-', text: before } as const]),
    { sign: '+', text: corrected },
  ]);
  return `${said}\n\n${text}`;
}

/** The files changed, what they ask for did not. */
export function unchangedNote({ at }: { at: PlannedAt }): string {
  return [
    '### Auto-Dev plan: no change',
    `${placeLine(at)}. What would run is what runs now: only comments, order or places differ.`,
  ].join('\n\n');
}

/** The file goes away, and with it all that runs. */
export function removedNote({ at }: { at: PlannedAt }): string {
  return [
    '### Auto-Dev plan: the configuration is removed',
    `${placeLine(at)}.`,
    '**Needs attention**',
    '- ✖ Without `autodev.yaml` no agent starts anything new, and no schedule or trigger makes a job. Nothing is deleted: a file that comes back goes on from there.',
  ].join('\n\n');
}

/** Both sides changed the same file, so what a merge would give is not known yet. */
export function staleNote({ at, paths }: { at: PlannedAt; paths: readonly string[] }): string {
  const target = codeSpan(at.target);
  return [
    '### Auto-Dev plan: out of date',
    `${target} moved to ${codeSpan(at.targetHead.slice(0, 8))} and changed ${paths.map((path) => codeSpan(path)).join(', ')} as well, ` +
      'so there is no saying what a merge would bring.',
    `Merge ${target} into this branch or rebase it; the plan is then made again by itself.`,
  ].join('\n\n');
}

/** The merge request no longer changes what we look at. */
export function unrelatedNote(): string {
  return [
    '### Auto-Dev plan: nothing to plan',
    'This merge request no longer changes `autodev.yaml` or a file that it names.',
  ].join('\n\n');
}

/** Objects that came into force otherwise than planned. */
export interface Difference {
  readonly object: Pick<ConfigObject, 'kind' | 'name'>;
  /** `missing`: planned, and not in force. `extra`: in force, and not planned. */
  readonly how: 'missing' | 'extra' | 'other';
}

export type Merged =
  | { readonly kind: 'waiting' }
  | {
      readonly kind: 'applied';
      /** From the merge to the moment of applying. */
      readonly afterMs: number | undefined;
      readonly differences: readonly Difference[];
      /** A plan was shown at the head that was merged. */
      readonly wasPlanned: boolean;
    }
  | {
      readonly kind: 'invalid';
      readonly first: Pick<Diagnostic, 'line' | 'message' | 'remedy'> | undefined;
    }
  /** Others came after it before anybody read it. */
  | { readonly kind: 'overtaken' }
  | { readonly kind: 'held'; readonly reason: string };

/** After the merge: whether what was planned is what runs. */
export function mergedNote(commit: string, merged: Merged): string {
  const sha = codeSpan(commit.slice(0, 8));
  switch (merged.kind) {
    case 'waiting':
      return `### Auto-Dev plan: merged\n\n${sha} is being applied; this note will say how it went.`;
    case 'applied':
      return appliedNote(sha, merged);
    case 'invalid': {
      const { first } = merged;
      const why = first
        ? ` Line ${first.line}: ${proseLine(first.message)} ${proseLine(first.remedy)}`
        : '';
      return `### Auto-Dev plan: merged, not applied\n\n✖ The configuration at ${sha} is invalid, so what ran before still runs.${why}`;
    }
    case 'held':
      return `### Auto-Dev plan: merged, waiting\n\n⚠ ${sha} is not in force yet, so what ran before still runs. ${proseLine(merged.reason)}`;
    case 'overtaken':
      return `### Auto-Dev plan: merged\n\n${sha} was overtaken by a later change before it was read. \`autodev status\` says what is in force.`;
    default:
      return merged satisfies never;
  }
}

function appliedNote(
  sha: string,
  { afterMs, differences, wasPlanned }: Extract<Merged, { kind: 'applied' }>,
): string {
  const after =
    afterMs === undefined || afterMs < 0
      ? ''
      : ` ${Math.max(1, Math.round(afterMs / 1000))} s after the merge`;
  if (!wasPlanned) {
    return `### Auto-Dev plan: applied\n\n✔ ${sha} is in force${after}. It was merged before a plan of its last commit was shown.`;
  }
  if (differences.length === 0) {
    return `### Auto-Dev plan: applied\n\n✔ ${sha} is in force${after}, exactly as planned.`;
  }
  const words = {
    missing: 'was planned and is not in force',
    extra: 'is in force and was not planned',
    other: 'says something else than was planned',
  } as const;
  const lines = differences
    .slice(0, MOST_DIFFERENCES)
    .map(({ object: { kind, name }, how }) => `- ${objectName({ kind, key: name })} ${words[how]}`);
  const more = differences.length - lines.length;
  return [
    '### Auto-Dev plan: applied, but not as planned',
    `⚠ ${sha} is in force${after}. It differs from the plan that stood here:`,
    [...lines, ...(more > 0 ? [`- … and ${more} more`] : [])].join('\n'),
  ].join('\n\n');
}
