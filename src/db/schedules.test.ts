import { expect } from 'vitest';

import { test } from '../../test/database.ts';
import type { ScheduleSpec } from '../domain/spec.ts';
import { systemClock } from '../kernel/clock.ts';
import type { PostgresDb } from './pool.ts';
import { leaseOf, newRepo, newRevision } from './repo-rows-fixture.ts';
import { recordOutcome } from './repo-sync.ts';
import {
  findLastSucceededCommit,
  listDueSchedules,
  lockSchedules,
  msUntilNextSchedule,
  postponeSchedules,
  retireSchedules,
  settleOccurrences,
  upsertSchedules,
} from './schedules.ts';
import { sql } from './sql.ts';

const spec: ScheduleSpec = {
  agent: 'tester',
  enabled: true,
  cron: '0 * * * *',
  timezone: 'UTC',
  with: {},
  when: {},
  overlap: 'skip',
  missed: 'skip',
  jitterMs: 0,
};
const HOUR = 3_600_000;

/** A schedule that came due a second ago, the only one that is not retired. */
async function setup(db: PostgresDb) {
  await db.query(sql`update schedule set retired_at = now() where retired_at is null`);
  const { id: repoId } = await newRepo(db);
  const revisionId = await newRevision(db, repoId, 'c1');
  const { epoch } = await leaseOf(db, repoId);
  await recordOutcome(db, {
    repoId,
    epoch,
    head: 'c2',
    revisionId,
    failures: 0,
    missingReads: 0,
    conditions: [],
    answeredDirtyAt: null,
  });
  const nextAt = new Date(systemClock.now().getTime() - 1000);
  await upsertSchedules(db, repoId, [{ name: 'hourly', spec, nextAt, dueAt: nextAt }]);
  const [row] = await db.query<{ id: number }>(
    sql`select id from schedule where repo_id = ${repoId}`,
  );
  return { repoId, id: row?.id ?? 0, nextAt };
}

test('a due schedule comes with the commits, and with what runs of it already', async ({ db }) => {
  const { repoId, id, nextAt } = await setup(db);
  for (const state of [0, 2, 1, 3, 4]) {
    await db.query(sql`
      insert into job (repo_id, agent, state, title, task, trigger, trust)
      values (${repoId}, 5, ${state}, 't', 't', '{"kind":"schedule","name":"hourly"}', 'owner')
    `);
  }

  const due = await listDueSchedules(db, 10);

  expect(due).toMatchObject([
    { id, repoId, name: 'hourly', spec, nextAt, head: 'c2', commit: 'c1', line: 1 },
  ]);
  expect(due).toMatchObject([{ pending: 2, active: 2, inReview: 1 }]);
  expect(await msUntilNextSchedule(db)).toBeLessThanOrEqual(0);
});

test('a schedule that is settled is locked by nobody who read it before', async ({ db }) => {
  const { id, nextAt } = await setup(db);
  const later = new Date(nextAt.getTime() + HOUR);

  const [locked, rival] = await db.transaction(async (tx) => {
    const ours = await lockSchedules(tx, [{ id, nextAt }]);
    const theirs = await db.transaction((other) => lockSchedules(other, [{ id, nextAt }]));
    const occurrence = {
      scheduleId: id,
      nominalAt: nextAt,
      state: 'skipped',
      reason: 'overlap',
      jobId: null,
      commit: 'c2',
      nextAt: later,
      dueAt: later,
    } as const;
    await settleOccurrences(tx, [occurrence]);
    await settleOccurrences(tx, [occurrence]);
    return [ours, theirs];
  });

  expect([[...locked], [...rival]]).toEqual([[id], []]);
  expect((await db.transaction((tx) => lockSchedules(tx, [{ id, nextAt }]))).size).toBe(0);
  expect(await listDueSchedules(db, 10)).toEqual([]);
  expect(await msUntilNextSchedule(db)).toBeGreaterThan(HOUR / 2);
  const rows = await db.query(sql`select state, reason from occurrence where schedule_id = ${id}`);
  expect(rows).toEqual([{ state: 'skipped', reason: 'overlap' }]);
});

test('a postponed schedule keeps its nominal time', async ({ db }) => {
  const { id, nextAt } = await setup(db);

  await postponeSchedules(db, [id], { ms: HOUR });

  expect(await listDueSchedules(db, 10)).toEqual([]);
  expect((await db.transaction((tx) => lockSchedules(tx, [{ id, nextAt }]))).size).toBe(1);
});

test('schedules retire by name or all, and come back with new times', async ({ db }) => {
  const { repoId, nextAt } = await setup(db);

  await retireSchedules(db, repoId, ['another']);
  expect(await listDueSchedules(db, 10)).toHaveLength(1);
  await retireSchedules(db, repoId);
  expect(await listDueSchedules(db, 10)).toEqual([]);
  expect(await msUntilNextSchedule(db)).toBeUndefined();

  await upsertSchedules(db, repoId, [{ name: 'hourly', spec, nextAt, dueAt: nextAt }]);
  expect(await listDueSchedules(db, 10)).toHaveLength(1);
});

test('the last succeeded commit is that of the newest occurrence whose job succeeded', async ({
  db,
}) => {
  const { repoId, id } = await setup(db);
  for (const [hours, state, commit] of [
    [3, 10, 'old'],
    [2, 10, 'good'],
    [1, 11, 'failed'],
  ] as const) {
    await db.query(sql`
      with made as (
        insert into job_done (id, repo_id, agent, state, title, task, trigger, trust)
        values (nextval('job_id_seq'), ${repoId}, 5, ${state}, 't', 't', '{}', 'owner') returning id
      )
      insert into occurrence (schedule_id, nominal_at, state, job_id, commit)
      select ${id}::bigint, now() - ${hours}::int * interval '1 hour', 'fired', id, ${commit} from made
    `);
  }

  expect(await findLastSucceededCommit(db, id)).toBe('good');
  expect(await findLastSucceededCommit(db, 0)).toBeUndefined();
});
