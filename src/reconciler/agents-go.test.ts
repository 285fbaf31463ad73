import { expect } from 'vitest';

import { test } from '../../test/database.ts';
import { newJob, newRunner } from '../../test/queue.ts';
import { pause } from '../db/controls.ts';
import { insertJobs } from '../db/enqueue.ts';
import type { PostgresDb } from '../db/pool.ts';
import { sql } from '../db/sql.ts';
import { turn } from '../db/turn.ts';
import type { Agent } from '../domain/agent.ts';
import { BASIC, setupReconciler } from './reconciler-fixture.ts';
import { registerRepo, unregisterRepo } from './register-repo.ts';

const WITHOUT_BUILDER = BASIC.replace('  builder: {}\n', '');
const BUILDER_OFF = BASIC.replace('builder: {}', 'builder: { enabled: false }');

/** A running, a queued and a waiting job of one agent. */
async function makeJobs(db: PostgresDb, repoId: number, agent: Agent) {
  const job = newJob({ repoId, agent });
  const [running] = await insertJobs(db, [job]);
  const { runner, epoch } = await newRunner(db, `runner-${repoId}`);
  await turn(db, { ends: [], runner, epoch, agents: [agent], claim: 1, lanes: 8 });
  const [queued] = await insertJobs(db, [job]);
  const [waiting] = await insertJobs(db, [{ ...job, state: { waiting: 'budget' } }]);
  return { running, queued, waiting };
}

async function stateOf(db: PostgresDb, id: number | undefined): Promise<number | undefined> {
  const [row] = await db.query<{ state: number }>(sql`
    select state::int as state from job where id = ${id}
    union all select state::int from job_done where id = ${id}
  `);
  return row?.state;
}

async function cancels(db: PostgresDb, repoId: number): Promise<number[]> {
  const rows = await db.query<{ job_id: number }>(
    sql`select job_id from control where verb = 'cancel' and repo_id = ${repoId}`,
  );
  return rows.map((row) => row.job_id);
}

test('an agent that is removed stops: what waits is cancelled, what runs is told once', async ({
  db,
}) => {
  using repo = await setupReconciler(db);
  await repo.pass();
  const jobs = await makeJobs(db, repo.repoId, 'builder');
  repo.commitFile(WITHOUT_BUILDER);

  await repo.pass();
  await repo.pass();

  expect(await repo.holds()).toEqual({ 3: 'removed', 8: null });
  expect(await stateOf(db, jobs.queued)).toBe(12);
  expect(await stateOf(db, jobs.waiting)).toBe(12);
  expect(await stateOf(db, jobs.running)).toBe(1);
  expect(await cancels(db, repo.repoId)).toEqual([jobs.running]);
});

test('an agent that is disabled stops what runs and keeps what is queued', async ({ db }) => {
  using repo = await setupReconciler(db);
  await repo.pass();
  const jobs = await makeJobs(db, repo.repoId, 'builder');
  repo.commitFile(BUILDER_OFF);

  await repo.pass();

  expect(await repo.holds()).toEqual({ 3: 'disabled', 8: null });
  expect(await stateOf(db, jobs.queued)).toBe(0);
  expect(await stateOf(db, jobs.waiting)).toBe(2);
  expect(await cancels(db, repo.repoId)).toEqual([jobs.running]);
});

test('an agent that comes back is free again', async ({ db }) => {
  using repo = await setupReconciler(db);
  await repo.pass();
  for (const text of [BUILDER_OFF, WITHOUT_BUILDER, BASIC]) {
    repo.commitFile(text);
    await repo.pass();
  }

  expect(await repo.holds()).toEqual({ 3: null, 8: null });
});

test('lanes that are new in a paused fleet are paused', async ({ db }) => {
  using repo = await setupReconciler(db);
  await db.transaction((tx) => pause(tx, { scope: {}, actor: 'ada', reason: 'Friday.' }));

  await repo.pass();

  expect(await repo.holds()).toEqual({ 3: 'paused', 8: 'paused' });
  await db.query(sql`update control set lifted_at = now() where verb = 'pause'`);
});

test('a limit that changes is the limit of the lane', async ({ db }) => {
  using repo = await setupReconciler(db);
  await repo.pass();
  repo.commitFile(BASIC.replace('builder: {}', 'builder: { concurrency: 3 }'));

  await repo.pass({ limitsOf: () => ({ concurrency: 7, prune: { share: 0.5, count: 3 } }) });

  const lanes = await db.query(
    sql`select max_running from lane where repo_id = ${repo.repoId} order by agent`,
  );
  const slots = await db.query(
    sql`select max_running from repo_slot where repo_id = ${repo.repoId}`,
  );
  expect([...lanes, ...slots]).toEqual([
    { max_running: 3 },
    { max_running: 1 },
    { max_running: 7 },
  ]);
});

test('a repository that is removed stops everything, and comes back with its name', async ({
  db,
}) => {
  using repo = await setupReconciler(db);
  await repo.pass();
  const jobs = await makeJobs(db, repo.repoId, 'builder');

  await unregisterRepo({ db }, repo.repoId, { actor: 'ada' });
  await repo.pass();

  expect(await repo.holds()).toEqual({ 3: 'removed', 8: 'removed' });
  expect(await stateOf(db, jobs.queued)).toBe(12);
  expect(await cancels(db, repo.repoId)).toEqual([jobs.running]);
  expect(await repo.objects()).toEqual([]);

  const again = await registerRepo(
    { db, forge: repo.forge },
    { actor: 'ada', location: repo.path },
  );
  await repo.pass();

  expect(again.repoId).toBe(repo.repoId);
  expect(await repo.holds()).toEqual({ 3: null, 8: null });
  expect(await repo.objects()).toContain('schedule/nightly');
});

test('a look that was under way when its repository was removed writes nothing', async ({ db }) => {
  using repo = await setupReconciler(db);

  await repo.pass({
    load: async (...args) => {
      await unregisterRepo({ db }, repo.repoId, { actor: 'ada' });
      return repo.deps.load(...args);
    },
  });

  expect(await repo.objects()).toEqual([]);
  expect(await repo.count('revision')).toBe(0);
});
