import { expect } from 'vitest';

import { test } from '../../../../test/database.ts';
import { sql } from '../../../db/sql.ts';
import { insertGate, insertJob, insertRepo } from '../../../db/views/rows-fixture.ts';
import { AppError } from '../../../kernel/errors.ts';
import type { CastVote } from '../acts.ts';
import { setupApi } from '../api-fixture.ts';

test('open gates are listed with their job, who waits longest first', async ({ db }) => {
  const { call } = setupApi(db);
  const repoId = await insertRepo(db);
  const jobId = await insertJob(db, repoId, { state: 'review', title: 'Fix it' });
  const first = await insertGate(db, repoId, { jobId });
  const second = await insertGate(db, repoId, { kind: 'config' });
  await insertGate(db, repoId, { state: 'approved' });

  const { body } = await call('GET', `/api/v1/gates?repo=${repoId}&state=open`);

  expect(body).toMatchObject({
    gates: [
      { id: `g_${first}`, job: `j_${jobId}`, job_title: 'Fix it', kind: 'merge', votes: [] },
      { id: `g_${second}`, job: null, kind: 'config' },
    ],
    next: null,
  });
});

test('a gate shows its votes', async ({ db }) => {
  const { call } = setupApi(db);
  const id = await insertGate(db, await insertRepo(db));
  await db.query(sql`insert into vote (gate_id, voter, role, verdict, self, via, at)
    values (${id}, 'ada', 'owner', 'approve', true, 'cli', '2026-03-29T03:00:00+02')`);

  const { body } = await call('GET', `/api/v1/gates/g_${id}`);

  expect(body).toMatchObject({
    votes: [
      { voter: 'ada', verdict: 'approve', self: true, via: 'cli', at: '2026-03-29T01:00:00.000Z' },
    ],
  });
});

test('a vote is cast as the owner and answers with what came of it', async ({ db }) => {
  const votes: [number, CastVote][] = [];
  const { call } = setupApi(db, {
    castVote: async (gateId, vote) => {
      votes.push([gateId, vote]);
      await db.query(sql`update gate set state = 'approved' where id = ${gateId}`);
      return { message: 'merged as abc' };
    },
  });
  const id = await insertGate(db, await insertRepo(db));

  const answer = await call('POST', `/api/v1/gates/g_${id}/votes`, {
    payload: { verdict: 'approve' },
    headers: { 'user-agent': 'autodev-cli/1' },
  });

  expect(votes).toEqual([[id, { verdict: 'approve', voter: 'ada', via: 'cli' }]]);
  expect(answer).toMatchObject({
    status: 201,
    body: { message: 'merged as abc', gate: { id: `g_${id}`, state: 'approved' } },
  });
});

test.for(['reject', 'changes', 'answer'])(
  '%s without a note is refused',
  async (verdict, { db }) => {
    const { call } = setupApi(db);
    const id = await insertGate(db, await insertRepo(db));

    const answer = await call('POST', `/api/v1/gates/g_${id}/votes`, {
      payload: { verdict, note: ' ' },
    });

    expect(answer).toMatchObject({ status: 400, body: { code: 'INVALID_REQUEST' } });
  },
);

test('why a vote could not be carried out comes with what to do', async ({ db }) => {
  const { call } = setupApi(db, {
    castVote: () =>
      Promise.reject(
        new AppError('WORKING_COPY_DIRTY', 'changes in the way', { remedy: 'git stash' }),
      ),
  });
  const id = await insertGate(db, await insertRepo(db));

  const answer = await call('POST', `/api/v1/gates/g_${id}/votes`, {
    payload: { verdict: 'approve' },
  });

  expect(answer).toMatchObject({
    status: 409,
    body: { code: 'WORKING_COPY_DIRTY', detail: 'changes in the way', remedy: 'git stash' },
  });
});

test('a gate that does not exist is NOT_FOUND, for reading and for voting', async ({ db }) => {
  const { call } = setupApi(db);

  const read = await call('GET', '/api/v1/gates/g_999999');
  const vote = await call('POST', '/api/v1/gates/g_999999/votes', {
    payload: { verdict: 'approve' },
  });

  expect(read).toMatchObject({ status: 404, body: { detail: 'there is no gate g_999999' } });
  expect(vote.status).toBe(404);
});
