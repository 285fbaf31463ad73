import type { AgentLane } from '../db/views/agent-list.ts';
import type { Gate } from '../db/views/gate-list.ts';
import type { Repo } from '../db/views/repo-list.ts';
import type { Schedule } from '../db/views/schedule-list.ts';
import { formatInZone } from '../domain/format-in-zone.ts';
import type { ZoneOffset } from '../domain/zone-offset.ts';
import { createZoneOffset } from '../domain/zone-offset.ts';
import { diagnosticLines } from './diagnostic-lines.ts';
import type { Output } from './output.ts';
import { oneLine } from './output.ts';
import { repoState, troubles } from './repo-table.ts';
import { fieldList, textTable } from './text-table.ts';
import { agoWord } from './words.ts';

interface Status {
  repo: Repo;
  agents: AgentLane[];
  schedules: Schedule[];
  gates: Gate[];
}

/** A repository on one screen. */
export function statusPage(
  output: Output,
  { repo, agents, schedules, gates }: Status,
  now: Date,
): string {
  const { paint } = output;
  const { revision, held } = repo;
  const zoneOffset = createZoneOffset();
  const parts = [
    `${paint('bold', oneLine(repo.path))} ${repoState(output, repo)}\n`,
    fieldList([
      ['where', `${oneLine(repo.location)}, branch ${oneLine(repo.branch)}`],
      [
        'in force',
        revision &&
          `${revision.commit.slice(0, 12)} ${oneLine(revision.subject)} (${oneLine(revision.author)})`,
      ],
      [
        'held',
        held && `${held.commit.slice(0, 12)} ${oneLine(held.subject)}: autodev plan ${repo.id}`,
      ],
      [
        'newest',
        repo.head === null || repo.head === revision?.commit ? null : repo.head.slice(0, 12),
      ],
      ['suspended', repo.suspended && oneLine(repo.suspended)],
      ['looked at', agoWord(repo.checked_at, now)],
      ['hooks', hooksWord(repo, now)],
    ]),
  ];
  if (repo.diagnostics.length > 0) {
    parts.push(`\n${diagnosticLines(output, repo.diagnostics)}`);
  } else {
    parts.push(...troubles(repo.conditions).map((text) => `\n${paint('red', '✖')} ${text}`));
  }
  if (agents.length > 0) {
    parts.push(
      `\n${textTable(
        ['AGENT', 'RUNNING', 'QUEUED', 'HELD BY'],
        agents.map((lane) => [
          lane.agent,
          `${lane.running}/${lane.max_running}`,
          String(lane.ready),
          lane.holds.length === 0
            ? '–'
            : oneLine(lane.holds.map(({ kind, reason }) => `${kind} (${reason})`).join(', ')),
        ]),
        output,
      )}`,
    );
  }
  if (schedules.length > 0) {
    parts.push(
      `\n${textTable(
        ['SCHEDULE', 'AGENT', 'CRON', 'NEXT'],
        schedules.map((schedule) => [
          oneLine(schedule.name),
          schedule.agent,
          schedule.cron,
          nextWord(schedule, zoneOffset),
        ]),
        output,
      )}`,
    );
  }
  parts.push(
    gates.length === 0
      ? '\nNothing waits for you.'
      : `\n${gates.map(({ id, kind, title }) => `▲ ${id} ${kind}: ${oneLine(title)}`).join('\n')}\n  autodev approvals ID shows one; autodev approve ID says yes`,
  );
  return parts.join('\n');
}

/** A hook that GitLab switched off says nothing, and nobody is told: its silence must be seen. */
function hooksWord({ forge, last_delivery_at: at }: Repo, now: Date): string | null {
  if (forge === 'local') {
    return null;
  }
  return at === null ? 'GitLab has told nothing yet' : `GitLab told something ${agoWord(at, now)}`;
}

function nextWord({ enabled, next_at: at, timezone }: Schedule, zoneOffset: ZoneOffset): string {
  if (!enabled) {
    return 'disabled';
  }
  return at === null ? 'never again' : formatInZone({ zoneOffset }, Date.parse(at), timezone);
}
