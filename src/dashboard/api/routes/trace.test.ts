import { expect } from 'vitest';

import { test } from '../../../../test/database.ts';
import type { Db } from '../../../db/db.ts';
import { sql } from '../../../db/sql.ts';
import {
  insertGate,
  insertJob,
  insertMergeRequest,
  insertRepo,
  insertRevision,
} from '../../../db/views/rows-fixture.ts';
import { setupApi } from '../api-fixture.ts';

const trace = (call: ReturnType<typeof setupApi>['call'], ref: string, repo?: number) =>
  call(
    'GET',
    `/api/v1/trace?ref=${encodeURIComponent(ref)}${repo === undefined ? '' : `&repo=${repo}`}`,
  );

/** A job with a voted gate and a merge request, caused by line 6 of a file in force of 8 lines. */
async function setup(db: Db) {
  const { call } = setupApi(db);
  const repoId = await insertRepo(db);
  const commit = crypto.randomUUID().replaceAll('-', '');
  const revisionId = await insertRevision(db, repoId, { commit });
  await db.query(sql`insert into config_object (repo_id, kind, name, spec, hash, line, revision_id) values
    (${repoId}, 'repo', 'repo', '{}', 'h', 1, ${revisionId}),
    (${repoId}, 'agent', 'builder', '{}', 'h', 3, ${revisionId}),
    (${repoId}, 'schedule', 'nightly', '{"agent": "builder"}', 'h', 6, ${revisionId})`);
  const jobId = await insertJob(db, repoId, {
    state: 'review',
    microUsd: 420_000,
    trigger: { kind: 'schedule', name: 'nightly', actor: 'autodev', line: 6, commit },
  });
  const head = crypto.randomUUID().replaceAll('-', '');
  const mergeRequest = await insertMergeRequest(db, repoId, jobId, head);
  await db.query(sql`update job set merge_request_id = ${mergeRequest} where id = ${jobId}`);
  const gate = await insertGate(db, repoId, { jobId, mergeRequestId: mergeRequest });
  await db.query(sql`insert into vote (gate_id, voter, role, verdict, via)
    values (${gate}, 'ada', 'owner', 'approve', 'cli')`);
  return { call, repoId, commit, head, jobId, gate };
}

const votes = [{ votes: [{ voter: 'ada', verdict: 'approve' }] }];

test('job, gate, merge request and head all lead to the job with line, votes and cost', async ({
  db,
}) => {
  const { call, repoId, commit, head, jobId, gate } = await setup(db);

  const answers = await Promise.all(
    [`j_${jobId}`, `g_${gate}`, '!1', head, head.slice(0, 8)].map((ref) =>
      trace(call, ref, repoId),
    ),
  );

  for (const { status, body } of answers) {
    expect(status).toBe(200);
    expect(body).toMatchObject({
      job: {
        job: { id: `j_${jobId}` },
        actor: 'autodev',
        config: { commit, line: 6 },
        cost: { usd: 0.42 },
        merge_request: { number: 1 },
      },
      jobs: [{ id: `j_${jobId}` }],
      gates: votes,
    });
  }
});

test('a merged commit leads to the job that brought it', async ({ db }) => {
  const { call, repoId, jobId } = await setup(db);
  const merged = crypto.randomUUID().replaceAll('-', '');
  await db.query(sql`update merge_request set merged_commit = ${merged} where repo_id = ${repoId}`);

  const { body } = await trace(call, merged.slice(0, 10));

  expect(body).toMatchObject({
    kind: 'commit',
    commit: merged,
    job: { job: { id: `j_${jobId}` } },
  });
});

test('a commit of autodev.yaml leads to what it changed and the jobs that it caused', async ({
  db,
}) => {
  const { call, commit, jobId } = await setup(db);

  const { body } = await trace(call, commit.slice(0, 7));

  expect(body).toMatchObject({
    kind: 'commit',
    job: null,
    revision: {
      commit,
      author: 'Ada <ada@example.org>',
      in_force: true,
      changes: [{ action: 'update', kind: 'schedule', name: 'nightly', paths: ['cron'] }],
    },
    jobs: [{ id: `j_${jobId}` }],
    gates: votes,
  });
});

test('a line leads to the object that stands at it, who changed it last, and its jobs', async ({
  db,
}) => {
  const { call, repoId, commit, jobId } = await setup(db);
  await insertJob(db, repoId, { agent: 'tester' });

  const schedule = await trace(call, 'autodev.yaml:7', repoId);
  const agent = await trace(call, './autodev.yaml:5', repoId);
  const file = await trace(call, 'autodev.yaml:2', repoId);
  const beyond = await trace(call, 'autodev.yaml:9', repoId);
  const other = await trace(call, 'policy.yaml:1', repoId);

  expect(schedule.body).toMatchObject({
    kind: 'line',
    commit,
    object: { kind: 'schedule', name: 'nightly', line: 6 },
    revision: { commit },
    jobs: [{ id: `j_${jobId}` }],
    gates: votes,
  });
  expect(agent.body).toMatchObject({ object: { name: 'builder' }, jobs: [{ id: `j_${jobId}` }] });
  expect(file.body).toMatchObject({ object: { kind: 'repo' }, jobs: [{}, {}] });
  expect(beyond).toMatchObject({
    status: 404,
    body: { detail: expect.stringContaining('8 lines') },
  });
  expect(other.status).toBe(400);
});

test('what could be several is refused with all of them, and told apart by the repository', async ({
  db,
}) => {
  const one = await setup(db);
  const two = await setup(db);
  await db.query(sql`update merge_request set head = ${one.head} where repo_id = ${two.repoId}`);

  const commit = await trace(one.call, one.head);
  const number = await trace(one.call, '!1');
  const line = await trace(one.call, 'autodev.yaml:1');
  const told = await trace(one.call, one.head, two.repoId);

  for (const { status, body } of [commit, number, line]) {
    expect(status).toBe(409);
    expect(body).toMatchObject({
      detail: expect.stringMatching(/several could be meant: .*, /),
      remedy: expect.stringContaining('--repo'),
    });
  }
  expect(told.body).toMatchObject({ job: { job: { id: `j_${two.jobId}` } } });
});

test('what is not there, and what is nothing, says so', async ({ db }) => {
  const { call } = await setup(db);

  const missing = await Promise.all(
    ['j_999999', 'g_999999', '!99', '0123456789abcdef'].map((ref) => trace(call, ref)),
  );
  const nothing = await trace(call, 'hello');

  expect(missing.map(({ status }) => status)).toEqual([404, 404, 404, 404]);
  expect(nothing).toMatchObject({ status: 400, body: { remedy: expect.stringContaining('j_12') } });
});
