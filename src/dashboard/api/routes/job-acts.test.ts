import { expect } from 'vitest';

import { test } from '../../../../test/database.ts';
import { sql } from '../../../db/sql.ts';
import { insertJob, insertRepo } from '../../../db/views/rows-fixture.ts';
import { AppError } from '../../../kernel/errors.ts';
import { setupApi } from '../api-fixture.ts';

test('retry and replay answer with the new job', async ({ db }) => {
  const acts: unknown[] = [];
  const repoId = await insertRepo(db);
  const id = await insertJob(db, repoId, { state: 'failed' });
  const again = async (...act: unknown[]): Promise<{ jobId: number }> => {
    acts.push(act);
    return { jobId: await insertJob(db, repoId, { title: 'Again', rootId: id }) };
  };
  const { call } = setupApi(db, { retryJob: again, replayJob: again });

  const retried = await call('POST', `/api/v1/jobs/j_${id}/retry`, {
    payload: { note: 'look twice' },
  });
  const replayed = await call('POST', `/api/v1/jobs/j_${id}/replay`, {
    payload: { provider: 'claude' },
  });
  const bare = await call('POST', `/api/v1/jobs/j_${id}/retry`);

  expect(retried).toMatchObject({ status: 201, body: { title: 'Again', root: `j_${id}` } });
  expect([replayed.status, bare.status]).toEqual([201, 201]);
  expect(acts).toEqual([
    [id, { actor: 'ada', note: 'look twice' }],
    [id, { actor: 'ada', provider: 'claude' }],
    [id, { actor: 'ada' }],
  ]);
});

test('cancel answers with where the job stands then', async ({ db }) => {
  const id = await insertJob(db, await insertRepo(db));
  const { call } = setupApi(db, {
    cancelJob: async (jobId, { reason }) => {
      await db.query(sql`update job set state = 2, detail = ${reason} where id = ${jobId}`);
    },
  });

  const answer = await call('POST', `/api/v1/jobs/j_${id}/cancel`, {
    payload: { reason: 'not now' },
  });

  expect(answer).toMatchObject({ status: 202, body: { id: `j_${id}`, detail: 'not now' } });
});

test('release and grant answer with a sentence', async ({ db }) => {
  const grants: unknown[] = [];
  const id = await insertJob(db, await insertRepo(db));
  const { call } = setupApi(db, {
    releaseJob: async () => ({ message: '2 effects are carried out' }),
    grantBudget: async (...act) => {
      grants.push(act);
      return { message: 'granted' };
    },
  });

  const released = await call('POST', `/api/v1/jobs/j_${id}/release`);
  const granted = await call('POST', `/api/v1/jobs/j_${id}/grants`, { payload: { usd: 2.5 } });

  expect(released).toMatchObject({ status: 202, body: { message: '2 effects are carried out' } });
  expect(granted).toMatchObject({ status: 201, body: { message: 'granted' } });
  expect(grants).toEqual([[id, { actor: 'ada', microUsd: 2_500_000 }]]);
});

test.for(['retry', 'replay', 'cancel', 'release'])(
  '%s of a job that does not exist is NOT_FOUND and acts on nothing',
  async (verb, { db }) => {
    const { call } = setupApi(db);

    const answer = await call('POST', `/api/v1/jobs/j_999999/${verb}`);

    expect(answer).toMatchObject({ status: 404, body: { code: 'NOT_FOUND' } });
  },
);

test('an act that the state forbids is a conflict', async ({ db }) => {
  const id = await insertJob(db, await insertRepo(db));
  const { call } = setupApi(db, {
    retryJob: () => Promise.reject(new AppError('CONFLICT', 'it is still queued')),
  });

  const answer = await call('POST', `/api/v1/jobs/j_${id}/retry`);

  expect(answer).toMatchObject({ status: 409, body: { detail: 'it is still queued' } });
});
