import type { Static } from 'typebox';
import { Type } from 'typebox';

import { agentOf } from '../../domain/agent.ts';
import type { Queryable } from '../db.ts';
import type { Sql } from '../sql.ts';
import { sql } from '../sql.ts';
import type { Page } from './wire.ts';
import {
  AgentName,
  JobId,
  RepoRef,
  Time,
  jobId,
  orNull,
  page,
  repoRef,
  time,
  timeOrNull,
} from './wire.ts';

export const Control = Type.Object({
  id: Type.String(),
  verb: Type.Enum(['pause', 'resume', 'cancel', 'drain', 'sync']),
  scope: Type.Enum(['fleet', 'repo', 'agent', 'job', 'runner']),
  repo: orNull(RepoRef),
  agent: orNull(AgentName),
  job: orNull(JobId),
  runner: orNull(Type.String()),
  actor: Type.String(),
  reason: Type.String(),
  until: orNull(Time),
  at: Time,
  lifted_at: orNull(Time),
  lifted_by: orNull(Type.String()),
  acks: Type.Integer({ description: 'How many runners have carried it out' }),
});

/** An order to running parts. */
export type Control = Static<typeof Control>;

interface ControlRow {
  id: number;
  verb: Control['verb'];
  scope: Control['scope'];
  repo_id: number | null;
  path: string | null;
  agent: number | null;
  job_id: number | null;
  runner: number | null;
  actor: string;
  reason: string;
  until: Date | null;
  at: Date;
  lifted_at: Date | null;
  lifted_by: string | null;
  acks: number;
}

interface ControlFilter {
  /** Pauses that hold now. */
  active?: boolean | undefined;
  repoId?: number | undefined;
}

/** Controls, newest first. */
export async function listControls(
  db: Queryable,
  { active, repoId }: ControlFilter,
  { limit, before }: { limit: number; before?: number | undefined },
): Promise<Page<Control>> {
  const isActive =
    active === true
      ? sql`c.verb = 'pause' and c.lifted_at is null and (c.until is null or c.until > now())`
      : sql`true`;
  const ofRepo = repoId === undefined ? sql`true` : sql`c.repo_id = ${repoId}`;
  const older = before === undefined ? sql`true` : sql`c.id < ${before}`;
  const rows = await db.query<ControlRow>(
    sql`${CONTROLS} where ${isActive} and ${ofRepo} and ${older} order by c.id desc limit ${limit + 1}`,
  );
  return page(rows, limit, { key: (row) => row.id, item: controlOf });
}

export async function findControl(db: Queryable, id: number): Promise<Control | undefined> {
  const [row] = await db.query<ControlRow>(sql`${CONTROLS} where c.id = ${id}`);
  return row && controlOf(row);
}

const CONTROLS: Sql = sql`
  select c.*, r.path, (select count(*)::int from control_ack a where a.control_id = c.id) as acks
  from control c left join repo r on r.id = c.repo_id`;

function controlOf(row: ControlRow): Control {
  return {
    id: String(row.id),
    verb: row.verb,
    scope: row.scope,
    repo: row.repo_id === null ? null : repoRef(row.repo_id, row.path ?? '(removed)'),
    agent: row.agent === null ? null : agentOf(row.agent),
    job: row.job_id === null ? null : jobId(row.job_id),
    runner: row.runner === null ? null : String(row.runner),
    actor: row.actor,
    reason: row.reason,
    until: timeOrNull(row.until),
    at: time(row.at),
    lifted_at: timeOrNull(row.lifted_at),
    lifted_by: row.lifted_by,
    acks: row.acks,
  };
}
