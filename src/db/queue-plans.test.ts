import { Client } from 'pg';
import { expect, inject } from 'vitest';

import { test } from '../../test/database.ts';
import { counterDrift, endOf, newJob, newRunner, resetQueue } from '../../test/queue.ts';
import { AGENTS } from '../domain/agent.ts';
import { pendingControls } from './controls.ts';
import { recountCounters } from './counters.ts';
import type { Db, Queryable } from './db.ts';
import { insertJobs } from './enqueue.ts';
import { getJob } from './job-rows.ts';
import { moveToFinal, promoteDue } from './promote.ts';
import type { Sql } from './sql.ts';
import { sql } from './sql.ts';
import { turn } from './turn.ts';

const REPOS = 400;

/**
 * 3,200 lanes, 20,000 queued jobs, 2,000 that wait and 8,000 that run since the last analyze: with statistics
 * that know of no running job, a plan by a partial index on the state looks best and is 250 times as slow.
 */
async function setup(db: Db) {
  await resetQueue(db, { repos: REPOS, laneLimit: 100, repoLimit: 800 });
  const me = await newRunner(db);
  await db.query(sql`alter table job set (autovacuum_enabled = false)`);
  await db.query(sql`
    insert into job (repo_id, agent, title, task, trigger, trust)
    select 1 + g % ${REPOS}::int, 1 + (g / ${REPOS}::int) % 8, 't', 't', '{}', 'developer'
    from generate_series(1, 28000) g
  `);
  await db.query(sql`
    insert into job (repo_id, agent, state, wait_reason, wake_at, title, task, trigger, trust)
    select 1, 1, 2, 'retry', now() + g * interval '1 minute', 't', 't', '{}', 'developer'
    from generate_series(1, 2000) g
  `);
  await recountCounters(db);
  await db.query(sql`analyze`);
  await db.query(sql`
    update job set state = 1, attempts = 1, runner = ${me.runner}, epoch = ${me.epoch} where id <= 8000
  `);
  await recountCounters(db);
  return { ...me, agents: AGENTS, ends: [], claim: 20, lanes: 64 };
}

/**
 * Runs a query and returns the plans of all statements that it and the functions in it ran, by their text. As
 * the superuser: only that may load the module that sees inside functions.
 */
async function plansOf(database: string, query: Sql): Promise<string[]> {
  const admin = new URL(inject('postgres').admin);
  admin.pathname = new URL(database).pathname;
  const client = new Client({ connectionString: admin.href });
  const plans: string[] = [];
  client.on('notice', (notice) => plans.push(notice.message ?? ''));
  await client.connect();
  try {
    await client.query(`
      load 'auto_explain';
      set auto_explain.log_min_duration = 0;
      set auto_explain.log_nested_statements = on;
      set auto_explain.log_level = notice;
      set client_min_messages = notice;
      set plan_cache_mode = force_generic_plan;
    `);
    await client.query(query.text, [...query.values]);
  } finally {
    await client.end();
  }
  return plans;
}

/** What `run` sends, instead of sending it. */
async function capture(run: (db: Queryable) => Promise<unknown>): Promise<Sql> {
  let sent: Sql | undefined;
  await run({
    query: (query) => {
      sent ??= query;
      return Promise.resolve([]);
    },
  });
  if (sent === undefined) {
    throw new Error('nothing was sent');
  }
  return sent;
}

test('ends go by primary key, lanes and jobs are picked by their own indexes', async ({
  db,
  connection,
}) => {
  const me = await setup(db);
  const running = await db.query<{ id: number }>(
    sql`select id from job where state = 1 order by random() limit 200`,
  );
  const ends = running.map(({ id }, i) =>
    endOf({ id, attempts: 1 }, i % 2 ? { state: 'queued' } : {}),
  );

  const plans = await plansOf(connection, await capture((tx) => turn(tx, { ...me, ends })));

  // Without `state + 0` this one walked every running job by job_running: 250 times as slow.
  expect(planOf(plans, 'delete from job')).toMatch(/Index Scan using job_pkey on job j\b/);
  expect(planOf(plans, 'delete from job')).toMatch(/Index Scan using job_pkey on job j_1\b/);
  expect(planOf(plans, 'select l.repo_id, l.agent from lane')).toContain(
    'Index Scan using lane_ready',
  );
  expect(planOf(plans, 'limit t.take')).toContain('Index Scan using job_queued');
  expect(planOf(plans, 'limit t.take')).toContain('Index Scan using job_pkey');
  expect(plans.join('\n')).not.toMatch(/(Seq Scan on (job|lane)|job_running)\b/);
  expect(await counterDrift(db)).toBe(0);
});

test.for<[string, string, (db: Queryable) => Promise<unknown>]>([
  ['one job', 'job_pkey', (db) => getJob(db, 9_000)],
  ['what a runner is told to stop', 'job_running', (db) => pendingControls(db, 1)],
  ['what is due', 'job_wake', (db) => promoteDue(db, 100)],
  [
    'a cancelled job',
    'job_pkey',
    (db) => moveToFinal(db, 9_000, { from: 'queued', to: 'cancelled' }),
  ],
  ['new jobs’ lanes', 'lane_pkey', (db) => insertJobs(db, [newJob({ repoId: 7 })])],
])('%s is found by %s', async ([, index, run], { db, connection }) => {
  await setup(db);

  const plans = await plansOf(connection, await capture(run));

  expect(plans.join('\n')).toMatch(new RegExp(`(Index Scan using|Bitmap Index Scan on) ${index}`));
  expect(plans.join('\n')).not.toMatch(/Seq Scan on (job|lane)\b/);
});

function planOf(plans: readonly string[], text: string): string {
  const found = plans.find((plan) => plan.includes(text));
  if (found === undefined) {
    throw new Error(`no statement was run that holds: ${text}`);
  }
  return found;
}
