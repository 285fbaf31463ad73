import { expect } from 'vitest';

import { test } from '../../../../test/database.ts';
import { sql } from '../../../db/sql.ts';
import { insertGate, insertJob, insertRepo } from '../../../db/views/rows-fixture.ts';
import { setupApi } from '../api-fixture.ts';

test('the audit is read newest first, page by page', async ({ db }) => {
  const { call } = setupApi(db);
  const repoId = await insertRepo(db);
  await db.query(sql`insert into audit (actor, action, target, repo_id, detail)
    values ('ada', 'repo.add', 'r', ${repoId}, '{}'), ('ada', 'job.run', 'j_1', ${repoId}, '{"agent": "pm"}')`);

  const one = await call('GET', `/api/v1/audit?repo=${repoId}&limit=1`);
  const { next } = JSON.parse(one.text);
  const two = await call('GET', `/api/v1/audit?repo=${repoId}&limit=1&cursor=${next}`);

  expect(one.body).toMatchObject({ audit: [{ action: 'job.run', detail: { agent: 'pm' } }] });
  expect(two.body).toMatchObject({ audit: [{ action: 'repo.add' }], next: null });
});

test('the numbers count what is there', async ({ db }) => {
  const { call } = setupApi(db);
  const before: Numbers = JSON.parse((await call('GET', '/api/v1/stats')).text);
  const repoId = await insertRepo(db);
  await insertJob(db, repoId, { state: 'running' });
  await insertJob(db, repoId, { state: 'failed' });
  await insertGate(db, repoId);
  await db.query(sql`insert into ledger (repo_id, job_id, attempt, request, provider, output, micro_usd)
    values (${repoId}, 1, 1, ${`r${repoId}`}, 'claude', 7, 1500000)`);

  const after: Numbers = JSON.parse((await call('GET', '/api/v1/stats')).text);

  expect(after.repos - before.repos).toBe(1);
  expect(after.open_gates - before.open_gates).toBe(1);
  expect(after.jobs.running - before.jobs.running).toBe(1);
  expect(after.jobs.failed - before.jobs.failed).toBe(1);
  expect(after.cost_24h.usd - before.cost_24h.usd).toBeCloseTo(1.5);
});

interface Numbers {
  repos: number;
  open_gates: number;
  jobs: { running: number; failed: number };
  cost_24h: { usd: number };
}

test('what was set aside is tried again by its name, or all of it', async ({ db }) => {
  const acts: unknown[] = [];
  const { call } = setupApi(db, {
    retrySetAside: async (...act) => {
      acts.push(act);
      return { retried: 1 };
    },
  });
  const url = '/api/v1/set-aside/retry';

  const one = await call('POST', url, { payload: { what: 'vote', id: 3 } });
  const all = await call('POST', url);
  const half = await call('POST', url, { payload: { what: 'vote' } });

  expect([one.status, all.status, half.status]).toEqual([202, 202, 400]);
  expect(one.body).toEqual({ retried: 1 });
  expect(acts).toEqual([
    [{ sweep: 'vote', rowId: 3 }, { actor: 'ada' }],
    [undefined, { actor: 'ada' }],
  ]);
});
