import { formatWithOffset } from '../domain/format-in-zone.ts';
import type { ZoneOffset } from '../domain/zone-offset.ts';
import type { Plan, PlannedChange } from './plan-document.ts';
import { fileKey, shortCommit, showUsd, showValue } from './plan-values.ts';

const SIGNS = { create: '+', update: '~', retire: '-' } as const;

/** The plan for a terminal; values are the file's and may hold anything, so whoever prints it makes it plain. */
export function planText(deps: { zoneOffset: ZoneOffset }, plan: Plan): string {
  const { summary, in_force: inForce, head } = plan;
  if (!plan.valid) {
    return `autodev.yaml of ${plan.repo} is invalid; ${inForce ? `what runs stays ${shortCommit(inForce.commit)}` : 'nothing runs'}.`;
  }
  if (!summary.changes) {
    return `No changes: ${plan.repo} runs what the file says.`;
  }
  const title =
    `Plan for ${plan.repo} at ${shortCommit(head)} (in force: ${inForce ? shortCommit(inForce.commit) : 'nothing'}): ` +
    `${summary.add} to add, ${summary.change} to change, ${summary.remove} to remove`;
  return [title, '', ...plan.changes.flatMap(changeLines), '', ...effectLines(deps, plan)].join(
    '\n',
  );
}

function changeLines({ action, kind, key, loosens, source, paths }: PlannedChange): string[] {
  const name = kind === 'repo' ? 'repository' : `${kind.replace('_', ' ')} ${key}`;
  const head = `  ${SIGNS[action]} ${name}  (line ${source.line})${loosens ? '  ! loosens' : ''}`;
  if (action !== 'update') {
    return [head];
  }
  return [
    head,
    ...paths.map(
      ({ path, before, after, risk }) =>
        `      ${fileKey(path)}: ${showValue(path, before)} -> ${showValue(path, after)}${risk === 'loosens' ? '  !' : ''}`,
    ),
  ];
}

function effectLines(
  deps: { zoneOffset: ZoneOffset },
  { effects, summary, prune, repo }: Plan,
): string[] {
  const { usd_per_day: usd, next_runs: runs, timezones, jobs_cancelled: cancelled } = effects;
  const lines = [
    `Most a day: ${showUsd(usd.before)} -> ${showUsd(usd.after)}`,
    ...Object.entries(runs).map(([name, times]) => {
      const zone = timezones[name] ?? 'UTC';
      const shown = times.map((at) => formatWithOffset(deps, Date.parse(at), zone));
      return `Next ${name}: ${shown.length === 0 ? 'never' : `${shown.join(', ')} ${zone}`}`;
    }),
  ];
  if (cancelled + effects.jobs_stopped > 0) {
    lines.push(`Jobs cancelled: ${cancelled}, stopped while running: ${effects.jobs_stopped}`);
  }
  if (summary.loosening > 0) {
    lines.push(`${summary.loosening} of the changes loosen what agents may do, spend or reach.`);
  }
  if (prune.held) {
    lines.push(
      `Removing that many objects waits for: autodev sync ${repo} --confirm-prune ${prune.digest.slice(0, 12)}`,
    );
  }
  return lines;
}
