import { expect } from 'vitest';

import { test } from '../../../test/database.ts';
import type { Db, Queryable } from '../db.ts';
import { sql } from '../sql.ts';
import { listAudit } from './audit-list.ts';
import { listGates } from './gate-list.ts';
import { listJobs } from './job-list.ts';
import { readStats } from './stats.ts';
import { findCommit } from './trace-commit.ts';

const REPOS = 400;

/** 40,000 final jobs, 4,000 that are not, 20,000 gates of which 200 are open, and what belongs to them. */
async function setup(db: Db): Promise<void> {
  const [found] = await db.query<{ n: number }>(sql`select count(*)::int as n from job_done`);
  if (found?.n !== 0) {
    return;
  }
  await db.query(sql`
    insert into repo (path, forge, location, branch)
    select 'repo-' || g, 'local', '/srv/' || g, 'main' from generate_series(1, ${REPOS}::int) g`);
  await db.query(sql`
    insert into job (repo_id, agent, title, task, trigger, trust)
    select 1 + g % ${REPOS}::int, 1 + g % 8, 't', 't', jsonb_build_object('kind', 'manual', 'commit', md5(g::text)),
      'owner'
    from generate_series(1, 44000) g`);
  await db.query(sql`
    with gone as (delete from job where id % 11 > 0 returning *)
    insert into job_done select gone.*, now() - id * interval '10 seconds' from gone`);
  await db.query(sql`update job_done set state = 10`);
  await db.query(sql`
    insert into gate (repo_id, job_id, kind, state, title, body)
    select 1 + g % ${REPOS}::int, g, 'merge', case when g % 100 = 0 then 'open' else 'approved' end, 't', 'b'
    from generate_series(1, 20000) g`);
  await db.query(sql`
    insert into ledger (repo_id, job_id, attempt, request, provider, at)
    select 1, g, 1, 'r', 'codex', now() - g * interval '10 seconds' from generate_series(1, 40000) g`);
  await db.query(sql`
    insert into audit (actor, action, target, repo_id)
    select 'ada', 'a', 't', 1 + g % ${REPOS}::int from generate_series(1, 20000) g`);
  await db.query(sql`
    insert into artifact (job_id, attempt, repo_id, base, head, stat, diff, bundle)
    select g, 1, 1, 'b', md5(g::text) || '00000000', '{}', '', '' from generate_series(1, 20000) g`);
  await db.query(sql`
    insert into revision (repo_id, commit, blobs, digest, state, source, author, subject)
    select 1, md5(g::text) || '00000000', '{}', 'd', 'applied', '', 'a', 's'
    from generate_series(1, 20000) g`);
  await db.query(sql`
    insert into merge_request (repo_id, number, job_id, root_id, branch, base, head, title, description, state,
      merged_commit)
    select 1, g, g, g, 'b' || g, 'b', md5(g::text) || '00000000', 't', 'd', 'merged',
      md5(g::text) || '11111111'
    from generate_series(1, 20000) g`);
  await db.query(sql`analyze`);
}

/** The plans of everything that `run` sends, as the database makes them for these values. */
async function plansOf(db: Queryable, run: (db: Queryable) => Promise<unknown>): Promise<string> {
  const plans: string[] = [];
  await run({
    query: async (query) => {
      const lines = await db.query<{ 'QUERY PLAN': string }>({
        text: `explain ${query.text}`,
        values: query.values,
      });
      plans.push(lines.map((line) => line['QUERY PLAN']).join('\n'));
      return [];
    },
  });
  return plans.join('\n');
}

const page = { limit: 50 };

test.for<[string, string[], (db: Queryable) => Promise<unknown>]>([
  ['the newest jobs', ['job_pkey', 'job_done_0_pkey'], (db) => listJobs(db, {}, page)],
  [
    'a later page of jobs',
    ['job_pkey', 'job_done_0_pkey'],
    (db) => listJobs(db, {}, { ...page, before: 30_000 }),
  ],
  [
    "a repository's jobs",
    ['job_repo', 'job_done_0_repo_id'],
    (db) => listJobs(db, { repoId: 7 }, page),
  ],
  [
    "a chain's jobs",
    ['job_root', 'job_done_0_root_id'],
    (db) => listJobs(db, { rootId: 11 }, page),
  ],
  ['open gates', ['gate_open_all'], (db) => listGates(db, { state: 'open' }, page)],
  [
    "a repository's open gates",
    ['gate_open'],
    (db) => listGates(db, { repoId: 7, state: 'open' }, page),
  ],
  ["a repository's gates", ['gate_repo'], (db) => listGates(db, { repoId: 7 }, page)],
  ["a job's gates", ['gate_job'], (db) => listGates(db, { jobId: 7 }, page)],
  ['a later page of gates', ['gate_pkey'], (db) => listGates(db, {}, { ...page, after: 10_000 })],
  ['the record', ['audit_pkey'], (db) => listAudit(db, {}, page)],
  ["a repository's record", ['audit_repo'], (db) => listAudit(db, { repoId: 7 }, page)],
  ['the numbers of a day', ['job_done_0_ended_at', 'ledger_at'], (db) => readStats(db)],
  [
    'a commit',
    ['artifact_head', 'merge_request_head', 'merge_request_merged', 'revision_commit'],
    (db) => findCommit(db, 'c4ca4238'),
  ],
])('%s are read by their index', async ([, indexes, run], { db }) => {
  await setup(db);

  const plans = await plansOf(db, run);

  for (const index of indexes) {
    expect(plans).toContain(index);
  }
  expect(plans).not.toMatch(
    /Seq Scan on (job_done_0|gate|audit|ledger|artifact|merge_request|revision)\b/,
  );
});
