import { expect } from 'vitest';

import { test } from '../../../../test/database.ts';
import { sql } from '../../../db/sql.ts';
import {
  insertGate,
  insertJob,
  insertMergeRequest,
  insertRepo,
} from '../../../db/views/rows-fixture.ts';
import { setupApi } from '../api-fixture.ts';

test('a job says what the contract says', async ({ db }) => {
  const { call } = setupApi(db);
  const repoId = await insertRepo(db);
  const id = await insertJob(db, repoId, { microUsd: 1_250_000 });

  const { body } = await call('GET', `/api/v1/jobs?repo=${repoId}`);

  expect(body).toMatchObject({
    jobs: [
      {
        id: `j_${id}`,
        repo: { id: String(repoId) },
        agent: 'builder',
        state: 'queued',
        reason: null,
        title: 'Fix the rounding',
        trigger: { kind: 'manual', actor: 'ada' },
        subject: null,
        attempts: 0,
        branch: null,
        merge_request: null,
        cost: { tokens: 1200, usd: 1.25 },
        created_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
        started_at: null,
        ended_at: null,
      },
    ],
    next: null,
  });
});

test('pages meet without gap or repetition, over active and final jobs', async ({ db }) => {
  const { call } = setupApi(db);
  const repoId = await insertRepo(db);
  const ids: string[] = [];
  for (const state of ['queued', 'succeeded', 'review', 'failed', 'waiting'] as const) {
    ids.unshift(`j_${await insertJob(db, repoId, { state })}`);
  }

  const seen: string[] = [];
  let cursor: string | null = '';
  while (cursor !== null) {
    const answer = await call(
      'GET',
      `/api/v1/jobs?repo=${repoId}&limit=2${cursor && `&cursor=${cursor}`}`,
    );
    const list: { jobs: { id: string }[]; next: string | null } = JSON.parse(answer.text);
    seen.push(...list.jobs.map(({ id }) => id));
    cursor = list.next;
  }

  expect(seen).toEqual(ids);
});

test('jobs are found by agent and by state', async ({ db }) => {
  const { call } = setupApi(db);
  const repoId = await insertRepo(db);
  await insertJob(db, repoId, { agent: 'pm' });
  const waiting = await insertJob(db, repoId, { agent: 'tester', state: 'waiting' });
  const done = await insertJob(db, repoId, { agent: 'tester', state: 'succeeded' });
  await insertJob(db, repoId, { agent: 'tester', state: 'failed' });

  const { body } = await call(
    'GET',
    `/api/v1/jobs?repo=${repoId}&agent=tester&state=waiting&state=succeeded`,
  );

  expect(body).toMatchObject({ jobs: [{ id: `j_${done}` }, { id: `j_${waiting}` }] });
});

test('one job comes with its attempts, effects, gates, children and history', async ({ db }) => {
  const { call } = setupApi(db);
  const repoId = await insertRepo(db);
  const id = await insertJob(db, repoId, { state: 'succeeded' });
  const child = await insertJob(db, repoId, { agent: 'reviewer', rootId: id, parentId: id });
  const gate = await insertGate(db, repoId, { jobId: id, state: 'approved' });
  await db.query(sql`insert into attempt (job_id, attempt, runner, epoch, provider, spec, digest, checks)
    values (${id}, 1, 1, 1, 'command', '{}', 'd1', '[{"command":"npm test","exit":0,"ms":812}]')`);
  await db.query(sql`insert into effect (repo_id, job_id, attempt, type, payload, key, state)
    values (${repoId}, ${id}, 1, 'comment', '{"body":"hi"}', ${`k${id}`}, 'done')`);
  await db.query(sql`insert into job_event (job_id, from_state, to_state, attempt, reason)
    values (${id}, 1, 0, 1, 'lost')`);

  const { body } = await call('GET', `/api/v1/jobs/j_${id}`);

  expect(body).toMatchObject({
    id: `j_${id}`,
    state: 'succeeded',
    ended_at: expect.any(String),
    tries: [{ attempt: 1, provider: 'command', checks: [{ command: 'npm test', exit: 0 }] }],
    effects: [{ type: 'comment', state: 'done', payload: { body: 'hi' } }],
    gates: [{ id: `g_${gate}`, state: 'approved' }],
    children: [{ id: `j_${child}`, agent: 'reviewer' }],
    history: [{ from: 'running', to: 'queued', reason: 'lost' }],
  });
});

test('the diff of a job is text; a job without one answers nothing', async ({ db }) => {
  const { call } = setupApi(db);
  const repoId = await insertRepo(db);
  const id = await insertJob(db, repoId);
  const bare = await insertJob(db, repoId);
  await db.query(sql`insert into artifact (job_id, attempt, repo_id, base, head, stat, diff, bundle)
    values (${id}, 1, ${repoId}, 'b', 'h', '{"files":1}', '+fixed', '\\x00')`);

  const diff = await call('GET', `/api/v1/jobs/j_${id}/diff`);
  const none = await call('GET', `/api/v1/jobs/j_${bare}/diff`);

  expect(diff.text).toBe('+fixed');
  expect(none).toMatchObject({ status: 200, text: '' });
});

test('a trace goes from the job to line, person, votes, merge request and cost', async ({ db }) => {
  const { call } = setupApi(db);
  const repoId = await insertRepo(db);
  const commit = 'c'.repeat(40);
  await db.query(sql`insert into revision (repo_id, commit, blobs, digest, state, source, author, subject)
    values (${repoId}, ${commit}, '{}', 'd', 'applied', '', 'Grace', 'Hunt bugs nightly')`);
  const root = await insertJob(db, repoId, {
    agent: 'bug-finder',
    state: 'succeeded',
    microUsd: 500_000,
    trigger: { kind: 'schedule', name: 'nightly', actor: 'autodev', commit, line: 7 },
  });
  const mergeRequestId = await insertMergeRequest(db, repoId, root);
  const id = await insertJob(db, repoId, {
    rootId: root,
    parentId: root,
    mergeRequestId,
    state: 'review',
    microUsd: 250_000,
    trigger: { kind: 'hand_off', actor: 'bug-finder', commit, line: 7, from_job: root },
  });
  await insertGate(db, repoId, { jobId: id, mergeRequestId });

  const { body } = await call('GET', `/api/v1/jobs/j_${id}/trace`);

  expect(body).toMatchObject({
    job: { id: `j_${id}`, merge_request: { number: 1, state: 'open' } },
    root: { id: `j_${root}`, trigger: { name: 'nightly' } },
    actor: 'autodev',
    config: { commit, line: 7, author: 'Grace', subject: 'Hunt bugs nightly' },
    chain: [{ id: `j_${root}` }, { id: `j_${id}` }],
    gates: [{ state: 'open' }],
    merge_request: { number: 1, branch: 'autodev/fix', merged_commit: null },
    cost: { usd: 0.75, jobs: 2 },
  });
});

test('a job is started by hand, in the repository named by its path', async ({ db }) => {
  const started: unknown[] = [];
  const repoId = await insertRepo(db, 'group/app');
  const { call } = setupApi(db, {
    runJob: async (job) => {
      started.push(job);
      return { jobId: await insertJob(db, repoId, { title: job.task }) };
    },
  });

  const answer = await call('POST', '/api/v1/jobs', {
    payload: { repo: 'group/app', agent: 'builder', task: 'Fix it' },
  });

  expect(started).toEqual([{ repoId, agent: 'builder', task: 'Fix it', actor: 'ada' }]);
  expect(answer).toMatchObject({ status: 201, body: { title: 'Fix it', state: 'queued' } });
});

test.for(['', '/diff', '/trace', '/transcript'])(
  'GET /jobs/:id%s of a job that does not exist is NOT_FOUND',
  async (part, { db }) => {
    const { call } = setupApi(db);

    const answer = await call('GET', `/api/v1/jobs/j_999999${part}`);

    expect(answer).toMatchObject({ status: 404, body: { detail: 'there is no job j_999999' } });
  },
);
