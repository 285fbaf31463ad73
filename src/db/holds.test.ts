import { expect } from 'vitest';

import { openPool, test } from '../../test/database.ts';
import { resetQueue } from '../../test/queue.ts';
import type { Db } from './db.ts';
import { liftDue, liftHold, setHold, syncPauses } from './holds.ts';
import { sql } from './sql.ts';

async function setup(db: Db) {
  await resetQueue(db, { repos: 2, agents: ['pm', 'builder'] });
  return async () => {
    const lanes = await db.query<{ lane: string; hold: string | null }>(
      sql`select repo_id || ':' || agent as lane, hold from lane order by repo_id, agent`,
    );
    return Object.fromEntries(lanes.map(({ lane, hold }) => [lane, hold]));
  };
}

test('a hold closes its lane, and the lane says every kind that holds it', async ({ db }) => {
  const holds = await setup(db);

  const one = await setHold(db, {
    repoId: 1,
    agent: 'builder',
    kind: 'breaker',
    reason: 'Three failures.',
  });
  const all = await setHold(db, {
    repoId: 1,
    kind: 'suspended',
    reason: 'The file says so.',
    actor: 'ada',
  });

  expect([one, all]).toEqual([1, 2]);
  expect(await holds()).toEqual({
    '1:1': 'suspended',
    '1:3': 'breaker,suspended',
    '2:1': null,
    '2:3': null,
  });
});

test('lifting ends one kind and leaves the others', async ({ db }) => {
  const holds = await setup(db);
  await setHold(db, { repoId: 1, agent: 'pm', kind: 'breaker', reason: 'Three failures.' });
  await setHold(db, { repoId: 1, kind: 'suspended', reason: 'The file says so.' });

  const lifted = await liftHold(db, { repoId: 1, kind: 'suspended' });
  const again = await liftHold(db, { repoId: 1, kind: 'suspended' });

  expect([lifted, again]).toEqual([2, 0]);
  expect(await holds()).toMatchObject({ '1:1': 'breaker', '1:3': null });
});

test('setting a hold again replaces its reason', async ({ db }) => {
  await setup(db);
  const hold = { repoId: 1, agent: 'pm', kind: 'no_runner' } as const;

  await setHold(db, { ...hold, reason: 'first', actor: 'ada' });
  await setHold(db, { ...hold, reason: 'second' });

  expect(await db.query(sql`select reason, actor from lane_hold`)).toEqual([
    { reason: 'second', actor: null },
  ]);
});

test('two who hold the same lane for different reasons do not overwrite each other', async ({
  db,
  connection,
}) => {
  const holds = await setup(db);
  await using rival = await openPool(connection);
  const kinds = [
    'breaker',
    'suspended',
    'no_runner',
    'bypassed',
    'disabled',
    'merge_requests',
  ] as const;

  await Promise.all(
    kinds.map((kind, i) =>
      (i % 2 ? db : rival).transaction((tx) =>
        setHold(tx, { repoId: 1, agent: 'pm', kind, reason: 'At the same time.' }),
      ),
    ),
  );

  expect((await holds())['1:1']?.split(',')).toEqual(kinds.toSorted());
});

test('holds end when their time is over', async ({ db }) => {
  const holds = await setup(db);
  const past = new Date('2020-01-01T00:00:00Z');
  await setHold(db, { repoId: 1, kind: 'breaker', reason: 'Rests a day.', until: past });
  await setHold(db, { repoId: 1, agent: 'pm', kind: 'no_runner', reason: 'None is there.' });
  await setHold(db, {
    repoId: 2,
    kind: 'breaker',
    reason: 'Rests long.',
    until: new Date('2100-01-01'),
  });

  const lifted = await liftDue(db);

  expect(lifted).toBe(2);
  expect(await liftDue(db)).toBe(0);
  expect(await holds()).toEqual({
    '1:1': 'no_runner',
    '1:3': null,
    '2:1': 'breaker',
    '2:3': 'breaker',
  });
});

test('a lane that is made while its repository is paused is paused', async ({ db }) => {
  const holds = await setup(db);
  await db.query(sql`
    insert into control (verb, scope, repo_id, actor, reason) values ('pause', 'repo', 2, 'ada', 'Too many.')
  `);
  await db.query(sql`insert into lane (repo_id, agent, max_running) values (2, 4, 1)`);

  await syncPauses(db, { repoId: 2 });

  expect(await holds()).toEqual({
    '1:1': null,
    '1:3': null,
    '2:1': 'paused',
    '2:3': 'paused',
    '2:4': 'paused',
  });
});
