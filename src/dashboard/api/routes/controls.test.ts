import { expect } from 'vitest';

import { test } from '../../../../test/database.ts';
import type { Queryable } from '../../../db/db.ts';
import { sql } from '../../../db/sql.ts';
import { insertRepo } from '../../../db/views/rows-fixture.ts';
import { setupApi } from '../api-fixture.ts';

test('a pause names what it holds, why and until when', async ({ db }) => {
  const acts: unknown[] = [];
  const repoId = await insertRepo(db, 'paused-repo');
  const { call } = setupApi(db, {
    pause: async (...act) => {
      acts.push(act);
      return { controlId: await insertPause(db, repoId) };
    },
  });

  const answer = await call('POST', '/api/v1/controls', {
    payload: {
      verb: 'pause',
      repo: 'paused-repo',
      agent: 'builder',
      reason: 'release',
      until: '2099-01-01T00:00:00Z',
    },
  });

  expect(acts).toEqual([
    [
      { repoId, agent: 'builder' },
      { actor: 'ada', reason: 'release', until: new Date('2099-01-01T00:00:00Z') },
    ],
  ]);
  expect(answer).toMatchObject({
    status: 201,
    body: { verb: 'pause', scope: 'repo', repo: { path: 'paused-repo' }, lifted_at: null, acks: 0 },
  });
});

test('resume answers with how many pauses ended', async ({ db }) => {
  const acts: unknown[] = [];
  const { call } = setupApi(db, {
    resume: async (...act) => {
      acts.push(act);
      return { lifted: 2 };
    },
  });

  const answer = await call('POST', '/api/v1/controls', { payload: { verb: 'resume' } });

  expect(answer).toMatchObject({ status: 200, body: { lifted: 2 } });
  expect(acts).toEqual([[{}, { actor: 'ada' }]]);
});

test('a drain names a runner', async ({ db }) => {
  const repoId = await insertRepo(db);
  const { call } = setupApi(db, {
    drain: async (runner) => ({ controlId: await insertPause(db, repoId, runner) }),
  });

  const answer = await call('POST', '/api/v1/controls', {
    payload: { verb: 'drain', runner: 3, reason: 'maintenance' },
  });

  expect(answer).toMatchObject({ status: 201, body: { runner: '3' } });
});

test.for([
  [{ verb: 'pause' }, 'reason is missing'],
  [{ verb: 'pause', reason: 'x', agent: 'builder' }, 'repo is missing'],
  [{ verb: 'pause', reason: 'x', until: '2001-01-01T00:00:00Z' }, 'until lies in the past'],
  [{ verb: 'drain', reason: 'x' }, 'runner is missing'],
  [{ verb: 'stop' }, 'verb must be one of pause'],
  [{}, 'verb'],
] as const)('%j is refused at %s', async ([payload, place], { db }) => {
  const { call } = setupApi(db);

  const answer = await call('POST', '/api/v1/controls', { payload });

  expect(answer).toMatchObject({ status: 400, body: { code: 'INVALID_REQUEST' } });
  expect(answer.body).toMatchObject({ detail: expect.stringContaining(place) });
});

test('only pauses that hold now are active', async ({ db }) => {
  const { call } = setupApi(db);
  const repoId = await insertRepo(db);
  const holding = await insertPause(db, repoId);
  const lifted = await insertPause(db, repoId);
  await db.query(sql`update control set lifted_at = now(), lifted_by = 'ada' where id = ${lifted}`);

  const all = await call('GET', `/api/v1/controls?repo=${repoId}`);
  const active = await call('GET', `/api/v1/controls?repo=${repoId}&active=true`);

  expect(all.body).toMatchObject({ controls: [{ id: `${lifted}` }, { id: `${holding}` }] });
  expect(active.body).toMatchObject({ controls: [{ id: `${holding}` }], next: null });
});

test('a pause is ended by its id; one that never was is NOT_FOUND', async ({ db }) => {
  const acts: unknown[] = [];
  const { call } = setupApi(db, { liftControl: async (...act) => void acts.push(act) });
  const id = await insertPause(db, await insertRepo(db));

  const lifted = await call('DELETE', `/api/v1/controls/${id}`);
  const missing = await call('DELETE', '/api/v1/controls/999999');

  expect([lifted.status, missing.status]).toEqual([204, 404]);
  expect(acts).toEqual([[id, { actor: 'ada' }]]);
});

async function insertPause(db: Queryable, repoId: number, runner?: number): Promise<number> {
  const [row] = await db.query<{ id: number }>(sql`
    insert into control (verb, scope, repo_id, runner, actor, reason)
    values (${runner === undefined ? 'pause' : 'drain'}, ${runner === undefined ? 'repo' : 'runner'},
      ${repoId}, ${runner ?? null}, 'ada', 'release') returning id`);
  return row?.id ?? 0;
}
