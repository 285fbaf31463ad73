import { expect } from 'vitest';

import { test } from '../../../../test/database.ts';
import type { Queryable } from '../../../db/db.ts';
import { sql } from '../../../db/sql.ts';
import { insertRepo } from '../../../db/views/rows-fixture.ts';
import { setupApi } from '../api-fixture.ts';

test('agents show their queues, holds and breakers, page by page', async ({ db }) => {
  const { call } = setupApi(db);
  const repoId = await insertRepo(db);
  await db.query(sql`insert into lane (repo_id, agent, max_running, running, ready, hold)
    values (${repoId}, 3, 2, 1, 4, 'paused'), (${repoId}, 8, 1, 0, 0, null)`);
  await db.query(sql`insert into lane_hold (repo_id, agent, kind, reason, actor, until)
    values (${repoId}, 3, 'paused', 'release day', 'ada', '2030-01-01T01:00:00+01')`);
  await db.query(sql`insert into breaker (repo_id, agent, failures) values (${repoId}, 3, 2)`);

  const one = await call('GET', `/api/v1/agents?repo=${repoId}&limit=1`);
  const { next } = JSON.parse(one.text);
  const two = await call('GET', `/api/v1/agents?repo=${repoId}&limit=1&cursor=${next}`);

  expect(one.body).toMatchObject({
    agents: [
      {
        agent: 'builder',
        max_running: 2,
        running: 1,
        ready: 4,
        holds: [{ kind: 'paused', reason: 'release day', until: '2030-01-01T00:00:00.000Z' }],
        breaker: { failures: 2, idle_runs: 0, tripped_at: null },
      },
    ],
  });
  expect(two.body).toMatchObject({ agents: [{ agent: 'bug-finder', breaker: null }], next: null });
});

test('a breaker is closed through the acts', async ({ db }) => {
  const acts: unknown[] = [];
  const repoId = await insertRepo(db);
  const { call } = setupApi(db, { resetBreaker: async (...act) => void acts.push(act) });

  const answer = await call('POST', `/api/v1/repos/${repoId}/agents/builder/reset`);

  expect(answer).toMatchObject({ status: 200, body: { agent: 'builder' } });
  expect(acts).toEqual([[repoId, 'builder', { actor: 'ada' }]]);
});

test('schedules show when they are due, and what became of the last time', async ({ db }) => {
  const { call } = setupApi(db);
  const repoId = await insertRepo(db);
  const spec = { agent: 'tester', enabled: true, cron: '0 2 * * *', timezone: 'UTC', task: 'Test' };
  await db.query(sql`
    with s as (
      insert into schedule (repo_id, name, spec, next_at, due_at)
      values (${repoId}, 'nightly', ${JSON.stringify(spec)}, '2030-01-01Z', '2030-01-01T00:05Z')
      returning id
    )
    insert into occurrence (schedule_id, nominal_at, state, reason)
    select id, timestamptz '2029-12-31Z', 'skipped', 'overlap' from s`);
  await db.query(sql`insert into schedule (repo_id, name, spec, retired_at)
    values (${repoId}, 'old', ${JSON.stringify(spec)}, now())`);

  const { body } = await call('GET', `/api/v1/schedules?repo=${repoId}`);

  expect(body).toMatchObject({
    schedules: [
      {
        name: 'nightly',
        agent: 'tester',
        cron: '0 2 * * *',
        task: 'Test',
        next_at: '2030-01-01T00:00:00.000Z',
        last: { state: 'skipped', reason: 'overlap', job: null },
      },
    ],
    next: null,
  });
});

test('budgets are limits against the window that is open now', async ({ db }) => {
  const { call } = setupApi(db);
  const repoId = await insertRepo(db);
  await putInForce(db, repoId, {
    budgets: {
      daily: { scope: 'repo', per: 'day', microUsd: 20_000_000, warn: 0.8, onExhausted: 'wait' },
      words: { scope: 'builder', per: 'day', tokens: 1000, warn: 0.8, onExhausted: 'fail' },
    },
  });
  await db.query(sql`insert into budget_window (scope, unit, period, starts_at, ends_at, spent, reserved)
    values
      (${`repo:${repoId}`}, 'micro_usd', 'day', now() - interval '1 hour', now() + interval '1 hour', 5000000, 3000000),
      (${`repo:${repoId}`}, 'micro_usd', 'day', now() - interval '2 days', now() - interval '1 day', 9000000, 0)`);

  const { body } = await call('GET', `/api/v1/budgets?repo=${repoId}`);

  expect(body).toMatchObject({
    budgets: [
      { name: 'daily', unit: 'usd', limit: 20, spent: 5, reserved: 3, left: 12 },
      {
        name: 'words',
        scope: 'builder',
        unit: 'tokens',
        limit: 1000,
        spent: 0,
        left: 1000,
        ends_at: null,
      },
    ],
    next: null,
  });
});

test('runners say how their workers are protected', async ({ db }) => {
  const { call } = setupApi(db);
  await db.query(sql`insert into runner (key, lease_until, heartbeat_at, agents, providers, slots, host, pid, sandbox)
    values ('k1', now(), now(), '{1,3}', '{command}', 2, 'box', 42, '{"mode": "bubblewrap", "protected": true}')`);

  const { body } = await call('GET', '/api/v1/runners');

  expect(body).toMatchObject({
    runners: [
      {
        state: 'active',
        agents: ['pm', 'builder'],
        slots: 2,
        running: 0,
        sandbox: { mode: 'bubblewrap', protected: true },
      },
    ],
  });
});

async function putInForce(db: Queryable, repoId: number, spec: object): Promise<void> {
  await db.query(sql`
    with v as (
      insert into revision (repo_id, commit, blobs, digest, state, spec, source, author, subject)
      values (${repoId}, 'c', '{}', 'd', 'applied', ${JSON.stringify(spec)}, '', 'Grace', 'Start')
      returning id
    )
    update repo_sync set revision_id = (select id from v) where repo_id = ${repoId}`);
}
