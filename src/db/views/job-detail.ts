import type { Static } from 'typebox';
import { Type } from 'typebox';

import { jobStateOf } from '../../domain/job-state.ts';
import type { JobInput } from '../../domain/job.ts';
import type { Queryable } from '../db.ts';
import { sql } from '../sql.ts';
import { Gate, listGates } from './gate-list.ts';
import { Job, findJobRow, jobOf, listJobs } from './job-list.ts';
import { Cost, Json, Time, orNull, time, timeOrNull, usd } from './wire.ts';

const Attempt = Type.Object({
  attempt: Type.Integer(),
  provider: Type.String(),
  model: orNull(Type.String()),
  runner: Type.String(),
  base: orNull(Type.String()),
  started_at: Time,
  ended_at: orNull(Time),
  reason: orNull(Type.String()),
  detail: orNull(Type.String()),
  counted: Type.Boolean({ description: 'Whether it used up one of limits.attempts' }),
  cost: Cost,
  exact: Type.Boolean({ description: 'False: an estimate is in the sum' }),
  checks: Json,
});

const Effect = Type.Object({
  position: Type.Integer(),
  attempt: orNull(Type.Integer()),
  type: Type.String(),
  state: Type.String(),
  payload: Json,
  result: Json,
  error: orNull(Type.String()),
  done_at: orNull(Time),
});

const Change = Type.Object({
  at: Time,
  from: orNull(Type.String()),
  to: Type.String(),
  attempt: Type.Integer(),
  reason: orNull(Type.String()),
  detail: orNull(Type.String()),
  actor: orNull(Type.String()),
});

export const JobDetail = Type.Object({
  ...Job.properties,
  input: Json,
  tries: Type.Array(Attempt, { description: 'Each attempt, first one first' }),
  effects: Type.Array(Effect, { description: 'What it asked for, in the order it is carried out' }),
  artifact: orNull(
    Type.Object({ attempt: Type.Integer(), base: Type.String(), head: Type.String(), stat: Json }),
  ),
  gates: Type.Array(Gate),
  children: Type.Array(Job),
  history: Type.Array(Change, { description: 'What is not the usual way: retries, losses, acts' }),
});

/** A job with all that belongs to it. */
export type JobDetail = Job & { input: JobInput[] } & Omit<
    Static<typeof JobDetail>,
    keyof Job | 'input' | 'children'
  > & { children: Job[] };

interface EffectRow extends Omit<Static<typeof Effect>, 'done_at'> {
  done_at: Date | null;
}

type ArtifactRow = { attempt: number; base: string; head: string; stat: unknown };

/** The job `id` wherever it stands; undefined when there never was one, or it is past its retention. */
export async function findJobDetail(db: Queryable, id: number): Promise<JobDetail | undefined> {
  const row = await findJobRow(db, id);
  if (row === undefined) {
    return undefined;
  }
  const [input, tries, effects, artifact, gates, chain, history] = await Promise.all([
    readInput(db, id),
    listAttempts(db, id),
    db.query<EffectRow>(sql`
      select position, attempt, type, state, payload, error, done_at,
        -- The number is given when the effect is settled, after its result was made.
        case when type = 'issue' and state = 'done' then coalesce(result, '{}') || coalesce((
          select jsonb_build_object('number', i.number) from issue i
          where i.repo_id = effect.repo_id and i.job_id = effect.job_id and i.title = payload ->> 'title'
          order by i.number limit 1), '{}') else result end as result
      from effect
      where job_id = ${id} order by attempt, position, id`),
    db.query<ArtifactRow>(sql`
      select attempt, base, head, stat from artifact where job_id = ${id} order by attempt desc limit 1`),
    listGates(db, { jobId: id }, { limit: 50 }),
    listJobs(db, { rootId: row.root_id ?? row.id }, { limit: 200 }),
    listHistory(db, id),
  ]);
  const job = jobOf(row);

  return {
    ...job,
    input,
    tries,
    effects: effects.map((effect) => ({ ...effect, done_at: timeOrNull(effect.done_at) })),
    artifact: artifact[0] ?? null,
    gates: gates.items,
    children: chain.items.filter((other) => other.parent === job.id),
    history,
  };
}

/** What the newest attempt changed, as a diff for people; undefined: it changed nothing. */
export async function readDiff(db: Queryable, id: number): Promise<string | undefined> {
  const [row] = await db.query<{ diff: string }>(sql`
    select diff from artifact where job_id = ${id} order by attempt desc limit 1`);
  return row?.diff;
}

async function readInput(db: Queryable, id: number): Promise<JobInput[]> {
  const [row] = await db.query<{ input: JobInput[] }>(sql`
    select input from job where id = ${id} union all select input from job_done where id = ${id}`);
  return row?.input ?? [];
}

interface AttemptRow {
  attempt: number;
  provider: string;
  model: string | null;
  runner: number;
  base: string | null;
  started_at: Date;
  ended_at: Date | null;
  reason: string | null;
  detail: string | null;
  counted: boolean;
  tokens: number;
  micro_usd: number;
  exact: boolean;
  checks: unknown;
}

async function listAttempts(db: Queryable, id: number): Promise<Static<typeof Attempt>[]> {
  const rows = await db.query<AttemptRow>(sql`
    select attempt, provider, model, runner, base, started_at, ended_at, reason, detail, counted, tokens,
      micro_usd, exact, checks
    from attempt where job_id = ${id} order by attempt`);

  return rows.map(({ tokens, micro_usd: microUsd, ...row }) => ({
    ...row,
    runner: String(row.runner),
    started_at: time(row.started_at),
    ended_at: timeOrNull(row.ended_at),
    cost: { tokens, usd: usd(microUsd) },
  }));
}

interface ChangeRow {
  at: Date;
  from_state: number | null;
  to_state: number;
  attempt: number;
  reason: string | null;
  detail: string | null;
  actor: string | null;
}

async function listHistory(db: Queryable, id: number): Promise<Static<typeof Change>[]> {
  const rows = await db.query<ChangeRow>(sql`
    select at, from_state, to_state, attempt, reason, detail, actor from job_event
    where job_id = ${id} order by at limit 500`);

  return rows.map(({ from_state: from, to_state: to, ...row }) => ({
    ...row,
    at: time(row.at),
    from: from === null ? null : jobStateOf(from),
    to: jobStateOf(to),
  }));
}
