import type { Db } from '../../src/db/db.ts';
import { sql } from '../../src/db/sql.ts';
import type { Agent } from '../../src/domain/agent.ts';
import { agentCode } from '../../src/domain/agent.ts';
import type { JobState } from '../../src/domain/job-state.ts';
import { jobStateCode, jobStateOf } from '../../src/domain/job-state.ts';

/** Jobs of an agent that have not ended. */
export function listLive(db: Db, agent: Agent): Promise<{ id: number; state: number }[]> {
  return db.query(
    sql`select id, state from job where agent = ${agentCode(agent)}::smallint order by id`,
  );
}

/** How many jobs nobody works on any more: they ended, or are with people. */
export async function countSettled(db: Db): Promise<number> {
  const review = jobStateCode('review');
  const [row] = await db.query<{ count: number }>(sql`
    select ((select count(*) from job_done) + (select count(*) from job where state = ${review}::smallint))::int as count
  `);
  return row?.count ?? 0;
}

/** How the jobs of an agent ended, by id. */
export async function endsOf(db: Db, agent: Agent): Promise<Map<number, JobState>> {
  const rows = await db.query<{ id: number; state: number }>(
    sql`select id, state from job_done where agent = ${agentCode(agent)}::smallint order by id`,
  );
  return new Map(rows.map(({ id, state }) => [id, jobStateOf(state)]));
}

export function openGates(db: Db): Promise<{ id: number; job_id: number }[]> {
  return db.query(sql`select id, job_id from gate where state = 'open' order by id`);
}

export async function countOccurrences(db: Db): Promise<number> {
  const [row] = await db.query<{ count: number }>(
    sql`select count(distinct schedule_id)::int as count from occurrence where state = 'fired'`,
  );
  return row?.count ?? 0;
}

/** Jobs that have more than one attempt with a result, or effects of more than one attempt, or one effect twice. */
export async function countedTwice(db: Db): Promise<number[]> {
  const rows = await db.query<{ job_id: number }>(sql`
    select job_id from attempt where reason in ('succeeded', 'noop') group by job_id having count(*) > 1
    union
    select job_id from effect where job_id is not null group by job_id having count(distinct attempt) > 1
    union
    select job_id from effect where job_id is not null group by job_id, type, position having count(*) > 1
    union
    select job_id from merge_request group by job_id having count(*) > 1
  `);
  return rows.map(({ job_id }) => job_id);
}

/** What is left open behind jobs that have all ended. */
export async function openEnds(db: Db): Promise<Record<string, number>> {
  const [row] = await db.query<Record<string, number>>(sql`
    select
      (select count(*) from attempt where ended_at is null)::int as attempts,
      (select count(*) from effect where state in ('pending', 'running'))::int as effects,
      (select count(*) from gate where state = 'open')::int as gates,
      (select coalesce(sum(running), 0) from provider_slot)::int as slots
  `);
  return row ?? {};
}

/** Occurrences without exactly one job of their own, and scheduled jobs without an occurrence. */
export async function oddOccurrences(db: Db): Promise<object[]> {
  return db.query(sql`
    select o.schedule_id, o.nominal_at, count(j.id)::int as jobs from occurrence o left join job_done j on j.id = o.job_id
    where o.state = 'fired' group by o.schedule_id, o.nominal_at having count(j.id) <> 1
    union all
    select null, j.created_at, 0 from job_done j
    where j.trigger ->> 'kind' = 'schedule' and not exists (select from occurrence o where o.job_id = j.id)
  `);
}
