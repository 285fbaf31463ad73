import { expect } from 'vitest';

import { test } from '../../../../test/database.ts';
import { sql } from '../../../db/sql.ts';
import { insertGate, insertJob, insertRepo } from '../../../db/views/rows-fixture.ts';
import { setupApi } from '../api-fixture.ts';

test('a repository shows what is in force, what is under way, and what is wrong', async ({
  db,
}) => {
  const { call } = setupApi(db);
  const repoId = await insertRepo(db);
  await insertJob(db, repoId, { state: 'running' });
  await insertJob(db, repoId, { state: 'succeeded' });
  await insertGate(db, repoId);
  await db.query(sql`
    with v as (
      insert into revision (repo_id, commit, blobs, digest, state, source, author, subject, applied_at)
      values (${repoId}, 'c1', '{}', 'd', 'applied', '', 'Grace', 'Start', now()) returning id
    )
    update repo_sync set head = 'c2', revision_id = (select id from v),
      diagnostics = '[{"line": 3, "column": 5, "message": "unknown key"}]'
    where repo_id = ${repoId}`);

  const { body } = await call('GET', `/api/v1/repos/${repoId}`);

  expect(body).toMatchObject({
    id: String(repoId),
    forge: 'local',
    branch: 'main',
    head: 'c2',
    revision: { commit: 'c1', author: 'Grace', state: 'applied', applied_at: expect.any(String) },
    diagnostics: [{ line: 3, column: 5, message: 'unknown key' }],
    jobs: { running: 1, queued: 0, review: 0 },
    open_gates: 1,
  });
});

test('repositories are listed page by page; a removed one is gone', async ({ db }) => {
  const { call } = setupApi(db);
  const first = await insertRepo(db);
  const removed = await insertRepo(db);
  const second = await insertRepo(db);
  await db.query(sql`update repo set removed_at = now() where id = ${removed}`);

  const one = await call('GET', `/api/v1/repos?limit=1&cursor=${first - 1}`);
  const two = await call('GET', `/api/v1/repos?limit=1&cursor=${first}`);
  const gone = await call('GET', `/api/v1/repos/${removed}`);

  expect(one.body).toMatchObject({ repos: [{ id: String(first) }], next: String(first) });
  expect(two.body).toMatchObject({ repos: [{ id: String(second) }], next: null });
  expect(gone.status).toBe(404);
});

test('a repository is found by its path, slashes included', async ({ db }) => {
  const { call } = setupApi(db);
  const id = await insertRepo(db, 'platform/tools/cli');

  const { body } = await call('GET', `/api/v1/repos/${encodeURIComponent('platform/tools/cli')}`);

  expect(body).toMatchObject({ id: String(id), path: 'platform/tools/cli' });
});

test('a repository is added, synced and removed through the acts', async ({ db }) => {
  const acts: unknown[] = [];
  const { call } = setupApi(db, {
    addRepo: async (repo) => {
      acts.push(repo);
      return { repoId: await insertRepo(db) };
    },
    syncRepo: async (id, options) => void acts.push(['sync', id, options]),
    removeRepo: async (id, by) => void acts.push(['remove', id, by]),
  });

  const added = await call('POST', '/api/v1/repos', { payload: { location: '/srv/app' } });
  const { id } = JSON.parse(added.text);
  const synced = await call('POST', `/api/v1/repos/${id}/sync`, {
    payload: { confirm_prune: 'd1' },
  });
  const plain = await call('POST', `/api/v1/repos/${id}/sync`);
  const removed = await call('DELETE', `/api/v1/repos/${id}`);

  expect([added.status, synced.status, plain.status, removed.status]).toEqual([201, 202, 202, 204]);
  expect(acts).toEqual([
    { location: '/srv/app', actor: 'ada' },
    ['sync', Number(id), { actor: 'ada', confirmPrune: 'd1' }],
    ['sync', Number(id), { actor: 'ada' }],
    ['remove', Number(id), { actor: 'ada' }],
  ]);
});

test('a plan is made of the newest file, or of a text', async ({ db }) => {
  const asked: unknown[] = [];
  const repoId = await insertRepo(db);
  const { call } = setupApi(db, {
    planRepo: async (id, options) => {
      asked.push([id, options]);
      return {
        empty: false,
        plan: { format_version: '1' },
        text: '+ agent tester',
        diagnostics: [],
      };
    },
  });

  const newest = await call('GET', `/api/v1/repos/${repoId}/plan`);
  const text = await call('POST', `/api/v1/repos/${repoId}/plan`, {
    payload: { text: 'version: 1' },
  });
  const large = await call('POST', `/api/v1/repos/${repoId}/plan`, {
    payload: { text: '#'.repeat(300 * 1024) },
  });

  expect(newest.body).toEqual({
    empty: false,
    plan: { format_version: '1' },
    text: '+ agent tester',
    diagnostics: [],
  });
  expect(text.status).toBe(200);
  expect(large).toMatchObject({ status: 413, body: { code: 'TOO_LARGE' } });
  expect(asked).toEqual([
    [repoId, {}],
    [repoId, { text: 'version: 1' }],
  ]);
});
