import type { Diagnostic } from '../config/diagnostics.ts';
import { formatWithOffset } from '../domain/format-in-zone.ts';
import { codeSpan, folded, proseLine, tableRow } from '../domain/markdown.ts';
import type { ZoneOffset } from '../domain/zone-offset.ts';
import { planDiff } from './plan-diff.ts';
import type { Plan, PlannedChange } from './plan-document.ts';
import { describeObject, describePath, objectName } from './plan-object.ts';
import { showUsd } from './plan-values.ts';

/** Where a plan was made: what a merge request would bring, on top of what. */
export interface PlannedAt {
  readonly head: string;
  /** The target branch, and its head at that time. */
  readonly target: string;
  readonly targetHead: string;
}

/** A part that stands between 3 objects and thousands: more are counted, and `autodev plan` has them all. */
const MOST_ROWS = 100;
const MOST_PATHS = 3;
/** Above this the folded difference is left out; GitLab itself takes a million characters. */
export const LONGEST_NOTE = 60_000;

/**
 * The note on a merge request whose file is valid and changes something: what people must look at first, then the
 * objects, what follows for money and time, and every property folded away. All that the file says is shown as text
 * that does nothing.
 */
export function planNote(
  deps: { zoneOffset: ZoneOffset },
  { plan, at, approval }: { plan: Plan; at: PlannedAt; approval: string },
): string {
  const { add, change, remove, warnings } = plan.summary;
  const counts = `${add} to add, ${change} to change, ${remove} to remove`;
  const warned = warnings === 0 ? '' : ` · ${warnings} ${warnings === 1 ? 'warning' : 'warnings'}`;
  const parts = [
    `### Auto-Dev plan: ${counts}`,
    `${placeLine(at)} · **valid**${warned}`,
    attention(plan),
    changeTable(plan.changes),
    effects(deps, plan),
    approval,
  ].filter((part) => part !== '');
  const text = parts.join('\n\n');

  const diff = planDiff(plan.changes);
  const details = folded(`Every property (${diff.lines} lines)`, diff.text);
  const whole = `${text}\n\n${details}`;
  return whole.length > LONGEST_NOTE
    ? `${text}\n\nEvery property: ${diff.lines} lines, too many for a note; \`autodev plan\` prints them.`
    : whole;
}

/** Which commit on top of which. */
export function placeLine({ head, target, targetHead }: PlannedAt): string {
  return `\`autodev.yaml\` at ${codeSpan(head.slice(0, 8))} on top of ${codeSpan(target)} at ${codeSpan(targetHead.slice(0, 8))}`;
}

/** Loosening first, then what cannot be undone, then what the policy cut and the file's own warnings. Never cut off. */
function attention({
  changes,
  effects: { jobs_cancelled: cancelled, jobs_stopped: stopped },
  ...plan
}: Plan): string {
  const loosening = changes
    .filter(({ loosens }) => loosens)
    .map(
      (change) =>
        `- ⚠ ${capitalized(objectName(change))} loosens${looseningPaths(change)} (line ${change.source.line})`,
    );
  const undone = [
    ...(cancelled > 0 ? [`- ✖ ${jobs(cancelled)} in the queue would be cancelled`] : []),
    ...(stopped > 0
      ? [`- ✖ ${jobs(stopped)} would be stopped while ${stopped === 1 ? 'it runs' : 'they run'}`]
      : []),
    ...(plan.prune.held
      ? [
          `- ✖ Removing so many objects at once waits for a person: \`autodev sync ${plan.repo} --confirm-prune ${plan.prune.digest.slice(0, 12)}\``,
        ]
      : []),
  ];
  const isClamp = ({ code }: Diagnostic): boolean => code === 'policy_clamped';
  const clamps = plan.diagnostics.filter(isClamp).map((one) => `- ✂ ${diagnosticLine(one)}`);
  const warnings = plan.diagnostics
    .filter((one) => !isClamp(one))
    .map((one) => `- ▲ ${diagnosticLine(one)}`);
  const lines = [...loosening, ...undone, ...clamps, ...atMost(warnings, 20, 'more warnings')];
  return lines.length === 0 ? '' : ['**Needs attention**', '', ...lines].join('\n');
}

function diagnosticLine({ line, message, remedy }: Diagnostic): string {
  return `line ${line}: ${proseLine(message)} ${proseLine(remedy)}`.trim();
}

function looseningPaths({ action, paths }: PlannedChange): string {
  if (action !== 'update') {
    return action === 'create' ? ' by being new' : ' by going away';
  }
  const loose = paths.filter(({ risk }) => risk === 'loosens');
  return `: ${loose.map((path) => describePath({ ...path, risk: 'neutral' })).join(', ')}`;
}

function changeTable(changes: readonly PlannedChange[]): string {
  const order = { retire: 0, update: 1, create: 2 } as const;
  const rows = changes
    .toSorted((a, b) => Number(b.loosens) - Number(a.loosens) || order[a.action] - order[b.action])
    .map((change) => changeRow(change));
  const more = rows.length - MOST_ROWS;
  return [
    tableRow(['', 'Object', 'Change', 'Line']),
    '|---|---|---|---|',
    ...rows.slice(0, MOST_ROWS),
    ...(more > 0 ? [tableRow(['…', `${more} more`, '`autodev plan` lists them all', ''])] : []),
  ].join('\n');
}

const SIGNS = { create: '➕ add', update: '✏️ change', retire: '➖ remove' } as const;

function changeRow(change: PlannedChange): string {
  const { action, kind, paths, source } = change;
  const more = paths.length - MOST_PATHS;
  const said = {
    create: () => describeObject(kind, paths[0]?.after),
    update: () =>
      paths.slice(0, MOST_PATHS).map(describePath).join('<br>') +
      (more > 0 ? `<br>and ${more} more` : ''),
    retire: () => '',
  }[action]();
  const line = action === 'retire' ? '' : String(source.line);
  return tableRow([SIGNS[action], objectName(change), said, line]);
}

function effects(deps: { zoneOffset: ZoneOffset }, { effects: found }: Plan): string {
  const { usd_per_day: usd, next_runs: runs, timezones, spent_usd: spent } = found;
  const ceiling =
    usd.before === usd.after
      ? `${showUsd(usd.after)} (unchanged)`
      : `${showUsd(usd.before)} → **${showUsd(usd.after)}**`;
  const past = spent === undefined ? '' : `; the last 30 days cost ${spent.toFixed(2)} USD`;
  const schedules = Object.entries(runs).map(([name, times]) => {
    const zone = timezones[name] ?? 'UTC';
    const shown = times.map((at) => formatWithOffset(deps, Date.parse(at), zone));
    return tableRow([
      codeSpan(name),
      shown.length === 0 ? 'never' : shown.join('<br>'),
      codeSpan(zone),
    ]);
  });
  const table =
    schedules.length === 0
      ? []
      : [
          '',
          tableRow(['Schedule', 'Next runs', 'Zone']),
          '|---|---|---|',
          ...atMost(schedules, MOST_ROWS, 'more schedules'),
        ];
  return [`**Most a day:** ${ceiling}${past}`, ...table].join('\n');
}

function atMost(lines: readonly string[], most: number, what: string): string[] {
  const more = lines.length - most;
  return more > 0 ? [...lines.slice(0, most), `- … ${more} ${what}`] : [...lines];
}

function jobs(count: number): string {
  return count === 1 ? '1 job' : `${count} jobs`;
}

function capitalized(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
