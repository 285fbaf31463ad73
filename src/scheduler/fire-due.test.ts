import { expect } from 'vitest';

import { openPool, test } from '../../test/database.ts';
import { createCronTimes } from '../config/cron-times.ts';
import { endSync } from '../db/repo-sync.ts';
import { removeRepo } from '../db/repos.ts';
import { msUntilNextSchedule, retireSchedules } from '../db/schedules.ts';
import { sql } from '../db/sql.ts';
import { repoFixture } from '../forge/local/repo-fixture.ts';
import { AppError } from '../kernel/errors.ts';
import { fireDueSchedules } from './fire-due.ts';
import { createHasChanged } from './has-changed.ts';
import { MINUTE, setupScheduler } from './scheduler-fixture.ts';

const { signal } = new AbortController();
const HOUR = 60 * MINUTE;

test('a due schedule makes one job and knows when it is next', async ({ db }) => {
  const { deps, dueSince, occurrences, schedule, jobs, repoId } = await setupScheduler(db);
  await dueSince(0);

  await fireDueSchedules(deps, signal);

  const [job] = await jobs();
  expect(await occurrences()).toMatchObject([{ state: 'fired', job_id: job?.id }]);
  expect(job).toMatchObject({
    title: 'Find a missing case',
    trigger: { kind: 'schedule', name: 'hourly', actor: 'autodev', commit: 'c1', line: 1 },
  });
  const next = (await schedule()).next_at;
  expect(next && next.getTime() - Date.now()).toBeLessThanOrEqual(HOUR);
  expect(next && next.getTime() - Date.now()).toBeGreaterThan(0);
  const [lane] = await db.query(sql`select ready from lane where repo_id = ${repoId}`);
  expect(lane).toEqual({ ready: 1 });
});

test('two schedulers at once fire an occurrence once', async ({ db, connection }) => {
  await using other = await openPool(connection);
  for (let n = 0; n < 20; n += 1) {
    const { deps, dueSince, occurrences, jobs } = await setupScheduler(db);
    await dueSince(0);

    await Promise.all([
      fireDueSchedules(deps, signal),
      fireDueSchedules({ ...deps, db: other }, signal),
    ]);
    await fireDueSchedules(deps, signal);

    expect(await occurrences()).toHaveLength(1);
    expect(await jobs()).toHaveLength(1);
  }
});

test.for([
  { overlap: 'skip', states: [0], fires: false },
  { overlap: 'skip', states: [1], fires: false },
  { overlap: 'skip', states: [4], fires: true },
  { overlap: 'queue', states: [1], fires: true },
  { overlap: 'queue', states: [1, 0], fires: false },
  { overlap: 'skip_until_merged', states: [4], fires: false },
] as const)('overlap $overlap beside jobs in the states $states', async (example, { db }) => {
  const { overlap, states, fires } = example;
  const { deps, dueSince, occurrences, jobs } = await setupScheduler(db, { spec: { overlap } });
  for (const state of states) {
    await dueSince(0);
    await db.query(sql`delete from occurrence`);
    await db.query(sql`update job set state = 4 where state = 0`);
    await fireDueSchedules({ ...deps }, signal);
    const made = (await jobs()).at(-1);
    await db.query(sql`update job set state = ${state}, dedupe_key = null where id = ${made?.id}`);
  }
  await db.query(sql`delete from occurrence`);
  if (states.length === 2) {
    const [first] = await jobs();
    await db.query(sql`update job set state = 1 where id = ${first?.id}`);
  }
  await dueSince(0);

  await fireDueSchedules(deps, signal);

  const [last] = await occurrences();
  expect(last?.state).toBe(fires ? 'fired' : 'skipped');
  expect(last?.reason ?? null).toBe(
    fires ? null : overlap === 'skip_until_merged' ? 'unmerged' : 'overlap',
  );
});

test('what was missed is skipped, or made up for once', async ({ db }) => {
  const skip = await setupScheduler(db, { spec: { missed: 'skip', cron: '0 0 1 1 *' } });
  const once = await setupScheduler(db, { spec: { missed: 'once' } });
  await skip.dueSince(2 * HOUR);
  await once.dueSince(5 * HOUR);

  await fireDueSchedules(skip.deps, signal);

  expect(await skip.occurrences()).toMatchObject([{ state: 'skipped', reason: 'missed' }]);
  expect(await once.occurrences()).toMatchObject([{ state: 'fired' }]);
  const [made] = await once.occurrences();
  expect(made && Date.now() - made.nominal.getTime()).toBeLessThan(HOUR + MINUTE);
});

test('after `until` it never fires again', async ({ db }) => {
  const { deps, dueSince, occurrences, schedule } = await setupScheduler(db, {
    spec: { until: '2020-01-01' },
  });
  await dueSince(0);

  await fireDueSchedules(deps, signal);

  expect(await occurrences()).toMatchObject([{ state: 'skipped', reason: 'ended' }]);
  expect(await schedule()).toMatchObject({ next_at: null, due_at: null });
});

test('jitter delays the row and not the nominal time', async ({ db }) => {
  const { deps, dueSince, schedule } = await setupScheduler(db, {
    spec: { jitterMs: 30 * MINUTE },
  });
  await dueSince(0);

  await fireDueSchedules(deps, signal);

  const { next_at: next, due_at: due } = await schedule();
  expect(next?.getUTCMinutes()).toBe(0);
  const delay = Number(due) - Number(next);
  expect(delay).toBeGreaterThan(0);
  expect(delay).toBeLessThan(30 * MINUTE);
});

test('when.changed fires only where something changed since the last success', async ({ db }) => {
  using fixture = repoFixture();
  const first = fixture.sh(['rev-parse', 'main']);
  const { deps, dueSince, occurrences, schedule, jobs, repoId } = await setupScheduler(db, {
    spec: { when: { changed: ['src/**'] } },
    location: fixture.path,
    head: first,
  });
  const real = { ...deps, hasChanged: createHasChanged({ db, forge: fixture.forge }) };
  const again = async (head: string): Promise<string | null | undefined> => {
    const { id } = await schedule();
    await db.query(
      sql`update occurrence set nominal_at = nominal_at - interval '1 hour' where schedule_id = ${id}`,
    );
    await db.query(sql`update repo_sync set head = ${head} where repo_id = ${repoId}`);
    await dueSince(0);
    await fireDueSchedules(real, signal);
    const last = (await occurrences()).at(-1);
    return last?.state === 'fired' ? 'fired' : last?.reason;
  };

  expect(await again(first)).toBe('fired');
  const [job] = await jobs();
  await db.query(sql`
    with gone as (delete from job where id = ${job?.id} returning *)
    insert into job_done (id, repo_id, agent, state, title, task, trigger, trust)
    select id, repo_id, agent, 10, title, task, trigger, trust from gone
  `);

  expect(await again(first)).toBe('unchanged');
  expect(await again(fixture.commit({ 'README.md': 'new' }))).toBe('unchanged');
  expect(await again(fixture.commit({ 'src/add.ts': 'new' }))).toBe('fired');
});

test('a commit that is gone since counts as changed; an unreadable repository as nothing', async ({
  db,
}) => {
  using fixture = repoFixture();
  const { repoId } = await setupScheduler(db, { location: fixture.path });
  const hasChanged = createHasChanged({ db, forge: fixture.forge });
  const head = fixture.sh(['rev-parse', 'main']);
  const gone = 'f'.repeat(40);

  expect(await hasChanged(repoId, { from: gone, to: head, globs: ['**'] }, signal)).toBe(true);
  await expect(
    hasChanged(repoId, { from: head, to: gone, globs: ['**'] }, signal),
  ).rejects.toMatchObject({ code: 'SOURCE_UNREADABLE' });
});

test('one that cannot be decided keeps no other waiting, and is asked again later', async ({
  db,
}) => {
  const broken = await setupScheduler(db, { spec: { when: { changed: ['**'] } } });
  const fine = await setupScheduler(db);
  const { id } = await broken.schedule();
  await db.query(sql`
    with made as (
      insert into job_done (id, repo_id, agent, state, title, task, trigger, trust)
      values (nextval('job_id_seq'), ${broken.repoId}, 5, 10, 't', 't', '{}', 'owner') returning id
    )
    insert into occurrence (schedule_id, nominal_at, state, job_id, commit)
    select ${id}::bigint, now() - interval '1 day', 'fired', id, 'c0' from made
  `);
  await broken.dueSince(0);
  await fine.dueSince(0);
  const deps = {
    ...fine.deps,
    hasChanged: () => Promise.reject(new AppError('SOURCE_UNREADABLE', 'away')),
  };

  await fireDueSchedules(deps, signal);

  expect(await fine.occurrences()).toMatchObject([{ state: 'fired' }]);
  expect(await broken.occurrences()).toHaveLength(1);
  const { next_at: next, due_at: due } = await broken.schedule();
  expect(Number(due)).toBeGreaterThan(Date.now());
  expect(Number(next)).toBeLessThanOrEqual(Date.now());
});

test('a retired schedule never fires', async ({ db }) => {
  const { deps, dueSince, occurrences, repoId } = await setupScheduler(db);
  await dueSince(0);
  await retireSchedules(db, repoId, ['hourly']);

  await fireDueSchedules(deps, signal);

  expect(await occurrences()).toEqual([]);
});

test('the schedule of a removed repository neither fires nor keeps the scheduler awake', async ({
  db,
}) => {
  const { deps, dueSince, occurrences, repoId } = await setupScheduler(db);
  await db.query(sql`update schedule set retired_at = now() where repo_id <> ${repoId}`);
  await dueSince(0);
  expect(await msUntilNextSchedule(db)).toBeLessThanOrEqual(0);

  await removeRepo(db, repoId);
  await endSync(db, repoId);

  expect(await fireDueSchedules(deps, signal)).toBe(0);
  expect(await occurrences()).toEqual([]);
  expect(await msUntilNextSchedule(db)).toBeUndefined();
});

test('whether it is due is for the clock of the database to say', async ({ db }) => {
  const { deps, occurrences } = await setupScheduler(db);

  // The next time is an hour ahead there; a process whose clock is years ahead changes nothing.
  await fireDueSchedules({ ...deps, nextCronTime: createCronTimes() }, signal);

  expect(await occurrences()).toEqual([]);
});
