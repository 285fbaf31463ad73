import type { Static } from 'typebox';
import { Type } from 'typebox';

import type { Agent } from '../../domain/agent.ts';
import { agentOf } from '../../domain/agent.ts';
import { formatInZone } from '../../domain/format-in-zone.ts';
import type { ConfigKind } from '../../domain/plan.ts';
import type { ZoneOffset } from '../../domain/zone-offset.ts';
import { createZoneOffset } from '../../domain/zone-offset.ts';
import type { Queryable } from '../db.ts';
import { sql } from '../sql.ts';
import type { AgentLane } from './agent-list.ts';
import { listAgentLanes } from './agent-list.ts';
import type { Budget } from './budget-list.ts';
import { listBudgets } from './budget-list.ts';
import type { Schedule } from './schedule-list.ts';
import { listSchedules } from './schedule-list.ts';
import { findFileInForce } from './trace-line.ts';

export const AnnotatedFile = Type.Object({
  commit: Type.String(),
  lines: Type.Array(
    Type.Object({
      line: Type.Integer(),
      text: Type.String(),
      notes: Type.Array(Type.String(), { description: 'What is true now of what begins here' }),
    }),
  ),
});

/** The autodev.yaml in force, with live values at the lines where agents, schedules and budgets begin. */
export type AnnotatedFile = Static<typeof AnnotatedFile>;

/** More agents, schedules or budgets than one file can hold. */
const ALL = 1000;

/** Undefined when no file is in force. */
export async function readAnnotatedFile(
  db: Queryable,
  repoId: number,
  now: Date,
): Promise<AnnotatedFile | undefined> {
  const file = await findFileInForce(db, repoId);
  if (file === undefined) {
    return undefined;
  }
  const [objects, lanes, schedules, budgets, requests] = await Promise.all([
    db.query<{ kind: ConfigKind; name: string; line: number }>(sql`
      select kind, name, line from config_object
      where repo_id = ${repoId} and retired_at is null order by line, kind, name`),
    listAgentLanes(db, { repoId }, { limit: ALL }),
    listSchedules(db, { repoId }, { limit: ALL }),
    listBudgets(db, { repoId }, { limit: ALL, now }),
    countOpenRequests(db, repoId),
  ]);
  const zoneOffset = createZoneOffset();
  const notesOf = (kind: ConfigKind, name: string): string[] => {
    switch (kind) {
      case 'agent':
        return lanes.items
          .filter(({ agent }) => agent === name)
          .map((lane) => laneNote(lane, requests));
      case 'schedule':
        return schedules.items
          .filter((one) => one.name === name)
          .map((schedule) => scheduleNote(schedule, zoneOffset));
      case 'budget':
        return budgets.items.filter((one) => one.name === name).map(budgetNote);
      case 'trigger':
      case 'approval':
      case 'repo':
        return [];
      default:
        return kind satisfies never;
    }
  };

  // A default that the file does not state stands at the line of what is above it: then the note needs a name.
  const notes = objects.flatMap(({ kind, name, line }) =>
    notesOf(kind, name).map((note) => ({ line, name, note })),
  );
  const lines = file.source.replace(/\r?\n$/u, '').split(/\r?\n/u);
  return {
    commit: file.commit,
    lines: lines.map((text, i) => ({
      line: i + 1,
      text,
      notes: notes
        .filter(({ line }) => line === i + 1)
        .map(({ name, note }) => (text.includes(name) ? note : `${name}: ${note}`)),
    })),
  };
}

async function countOpenRequests(db: Queryable, repoId: number): Promise<Map<Agent, number>> {
  const rows = await db.query<{ agent: number; n: number }>(sql`
    select j.agent, count(*)::int as n from merge_request m
    join lateral (select agent from job where id = m.job_id
                  union all select agent from job_done where id = m.job_id) j on true
    where m.repo_id = ${repoId} and m.state = 'open' group by j.agent`);
  return new Map(rows.map(({ agent, n }) => [agentOf(agent), n]));
}

function laneNote(lane: AgentLane, requests: ReadonlyMap<Agent, number>): string {
  const open = requests.get(lane.agent) ?? 0;
  return [
    `${lane.running}/${lane.max_running} running`,
    `${lane.ready} queued`,
    ...(open === 0 ? [] : [`${open} open merge ${open === 1 ? 'request' : 'requests'}`]),
    ...lane.holds.map(({ kind }) => `held: ${kind.replace('_', ' ')}`),
  ].join(', ');
}

/** Notes are for people: a next run stands there as the clocks of its schedule show it. */
function scheduleNote(
  { enabled, next_at: next, timezone, last }: Schedule,
  zoneOffset: ZoneOffset,
): string {
  const coming =
    next === null
      ? 'never again'
      : `next ${formatInZone({ zoneOffset }, Date.parse(next), timezone)}`;
  const skipped = last?.state === 'skipped' ? `, last skipped (${last.reason ?? 'no reason'})` : '';
  return `${enabled ? coming : 'disabled'}${skipped}`;
}

function budgetNote({ unit, spent, reserved, limit }: Budget): string {
  const said = (amount: number): string => (unit === 'usd' ? amount.toFixed(2) : String(amount));
  const held = reserved === 0 ? '' : `, ${said(reserved)} reserved`;
  return `${said(spent)} of ${said(limit)} ${unit === 'usd' ? 'USD' : 'tokens'} spent${held}`;
}
