import { expect } from 'vitest';

import { test } from '../../../../test/database.ts';
import { insertRepo } from '../../../db/views/rows-fixture.ts';
import { AppError } from '../../../kernel/errors.ts';
import { setupApi } from '../api-fixture.ts';

test('a repository, one agent of it, and the fleet are raised with a reason', async ({ db }) => {
  const grants: unknown[] = [];
  const repoId = await insertRepo(db, 'group/app');
  const { call } = setupApi(db, {
    grantWindows: async (...act) => {
      grants.push(act);
      return { message: 'Raised.' };
    },
  });
  const grant = { usd: 2.5, reason: 'release' };

  const answers = [
    await call('POST', '/api/v1/repos/group%2Fapp/grants', { payload: grant }),
    await call('POST', `/api/v1/repos/${repoId}/grants`, {
      payload: { ...grant, agent: 'builder' },
    }),
    await call('POST', '/api/v1/grants', { payload: grant }),
  ];

  expect(answers.map(({ status, body }) => [status, body])).toEqual(
    Array.from({ length: 3 }, () => [201, { message: 'Raised.' }]),
  );
  const granted = { actor: 'ada', microUsd: 2_500_000, reason: 'release' };
  expect(grants).toEqual([
    [{ repoId }, granted],
    [{ repoId, agent: 'builder' }, granted],
    [{}, granted],
  ]);
});

test.for([
  { usd: 2 },
  { usd: 0, reason: 'x' },
  { usd: -1, reason: 'x' },
  { usd: 1e9, reason: 'x' },
  { usd: 1, reason: '' },
  { usd: 1, reason: 'x', agent: 'nobody' },
])('a grant of %o is refused before it acts', async (payload, { db }) => {
  const repoId = await insertRepo(db);
  const { call } = setupApi(db);

  const answer = await call('POST', `/api/v1/repos/${repoId}/grants`, { payload });

  expect(answer).toMatchObject({ status: 400, body: { code: 'INVALID_REQUEST' } });
});

test('a repository that nobody registered is not found, and a fleet without a cap a conflict', async ({
  db,
}) => {
  const { call } = setupApi(db, {
    grantWindows: () => Promise.reject(new AppError('CONFLICT', 'nothing caps the fleet in USD')),
  });
  const payload = { usd: 1, reason: 'x' };

  const unknown = await call('POST', '/api/v1/repos/none/grants', { payload });
  const uncapped = await call('POST', '/api/v1/grants', { payload });

  expect(unknown).toMatchObject({ status: 404 });
  expect(uncapped).toMatchObject({
    status: 409,
    body: { detail: 'nothing caps the fleet in USD' },
  });
});
