import type { Static } from 'typebox';
import { Type } from 'typebox';

import type { Queryable } from '../db.ts';
import { sql } from '../sql.ts';
import { snakeKeys } from './wire-json.ts';
import type { Page } from './wire.ts';
import {
  GateId,
  JobId,
  Json,
  RepoRef,
  Time,
  gateId,
  jobId,
  orNull,
  page,
  repoRef,
  time,
  timeOrNull,
} from './wire.ts';

export const GATE_STATES = [
  'open',
  'approved',
  'rejected',
  'changes',
  'answered',
  'expired',
  'superseded',
] as const;

const Vote = Type.Object({
  voter: Type.String(),
  role: Type.String(),
  verdict: Type.String(),
  head: orNull(Type.String()),
  note: orNull(Type.String()),
  self: Type.Boolean({ description: 'The requester voted on their own request (local mode)' }),
  via: Type.String(),
  at: Time,
});

export const Gate = Type.Object({
  id: GateId,
  repo: RepoRef,
  job: orNull(JobId),
  job_title: orNull(Type.String()),
  merge_request: orNull(Type.Object({ number: Type.Integer(), branch: Type.String() })),
  kind: Type.Enum(['run', 'merge', 'config', 'question', 'budget', 'rounds']),
  state: Type.Enum([...GATE_STATES]),
  head: orNull(Type.String({ description: 'Votes bind to this commit' })),
  title: Type.String(),
  body: Type.String(),
  rules: Type.Array(Json),
  requesters: Type.Array(Type.String()),
  protected: Type.Boolean({ description: 'False: the worker ran without a sandbox' }),
  opened_at: Time,
  closed_at: orNull(Time),
  closed_by: orNull(Type.String()),
  note: orNull(Type.String()),
  expires_at: orNull(Time),
  votes: Type.Array(Vote),
});

/** A question that people must answer, with the votes that were cast on it. */
export type Gate = Static<typeof Gate>;

export interface GateFilter {
  repoId?: number | undefined;
  jobId?: number | undefined;
  gateId?: number | undefined;
  /** Gates of any of these jobs, or on any of these revisions of autodev.yaml. */
  about?: { jobIds: readonly number[]; revisionIds: readonly number[] } | undefined;
  state?: Gate['state'] | undefined;
}

interface GateRow {
  id: number;
  repo_id: number;
  path: string;
  job_id: number | null;
  job_title: string | null;
  number: number | null;
  branch: string | null;
  kind: Gate['kind'];
  state: Gate['state'];
  head: string | null;
  title: string;
  body: string;
  rules: unknown[];
  requesters: string[];
  protected: boolean;
  opened_at: Date;
  closed_at: Date | null;
  closed_by: string | null;
  note: string | null;
  expires_at: Date | null;
  votes: (Omit<Static<typeof Vote>, 'at'> & { at: string })[];
}

/** Gates, oldest first: who waits longest is answered first. `after` is a cursor of an earlier page. */
export async function listGates(
  db: Queryable,
  filter: GateFilter,
  { limit, after }: { limit: number; after?: number | undefined },
): Promise<Page<Gate>> {
  let where = sql`true`;
  if (filter.repoId !== undefined) {
    where = sql`${where} and g.repo_id = ${filter.repoId}`;
  }
  if (filter.jobId !== undefined) {
    where = sql`${where} and g.job_id = ${filter.jobId}`;
  }
  if (filter.gateId !== undefined) {
    where = sql`${where} and g.id = ${filter.gateId}`;
  }
  if (filter.about !== undefined) {
    const { jobIds, revisionIds } = filter.about;
    where = sql`${where} and (g.job_id = any(${jobIds}::bigint[]) or g.revision_id = any(${revisionIds}::bigint[]))`;
  }
  // Spelled out for the open ones: only then does the planner see the partial index.
  if (filter.state === 'open') {
    where = sql`${where} and g.state = 'open'`;
  } else if (filter.state !== undefined) {
    where = sql`${where} and g.state = ${filter.state}`;
  }
  if (after !== undefined) {
    where = sql`${where} and g.id > ${after}`;
  }

  const rows = await db.query<GateRow>(sql`
    select g.*, coalesce(r.path, '(removed)') as path, m.number, m.branch,
      coalesce((select title from job where id = g.job_id),
               (select title from job_done where id = g.job_id)) as job_title,
      coalesce((select jsonb_agg(to_jsonb(v) - 'id' - 'gate_id' order by v.id)
                from vote v where v.gate_id = g.id), '[]') as votes
    from gate g
    left join repo r on r.id = g.repo_id
    left join merge_request m on m.id = g.merge_request_id
    where ${where}
    order by g.id limit ${limit + 1}`);

  return page(rows, limit, { key: (row) => row.id, item: gateOf });
}

export async function findGate(db: Queryable, id: number): Promise<Gate | undefined> {
  const { items } = await listGates(db, { gateId: id }, { limit: 1 });
  return items[0];
}

function gateOf(row: GateRow): Gate {
  return {
    id: gateId(row.id),
    repo: repoRef(row.repo_id, row.path),
    job: row.job_id === null ? null : jobId(row.job_id),
    job_title: row.job_title,
    merge_request: row.number === null ? null : { number: row.number, branch: row.branch ?? '' },
    kind: row.kind,
    state: row.state,
    head: row.head,
    title: row.title,
    body: row.body,
    rules: row.rules.map(snakeKeys),
    requesters: row.requesters,
    protected: row.protected,
    opened_at: time(row.opened_at),
    closed_at: timeOrNull(row.closed_at),
    closed_by: row.closed_by,
    note: row.note,
    expires_at: timeOrNull(row.expires_at),
    votes: row.votes.map((vote) => ({ ...vote, at: time(new Date(vote.at)) })),
  };
}
