import { expect } from 'vitest';

import { test } from '../../../test/database.ts';
import { setupApi } from './api-fixture.ts';

const HUGE = '9'.repeat(23);
const LARGEST = '9'.repeat(15);

test.for([
  `/jobs/j_${HUGE}`,
  `/jobs/j_${LARGEST}9`,
  `/jobs/j_${HUGE}/trace`,
  `/jobs/j_${HUGE}/why`,
  `/jobs/j_${HUGE}/diff`,
  `/jobs/j_${HUGE}/transcript`,
  `/jobs?root=j_${HUGE}`,
  `/gates/g_${HUGE}`,
  `/gates?job=j_${HUGE}`,
  `/trace?ref=j_${HUGE}`,
  `/trace?ref=g_${HUGE}`,
  `/trace?ref=!${HUGE}`,
  ...[
    'repos',
    'jobs',
    'gates',
    'agents',
    'schedules',
    'budgets',
    'runners',
    'controls',
    'audit',
  ].map((list) => `/${list}?cursor=${HUGE}`),
])('GET %s is refused: no id has so many digits', async (url, { db }) => {
  const { call } = setupApi(db);

  const answer = await call('GET', `/api/v1${url}`);

  expect(answer).toMatchObject({ status: 400, body: { code: 'INVALID_REQUEST' } });
});

test.for([
  ['DELETE', `/controls/${HUGE}`, undefined],
  ['POST', '/controls', { verb: 'drain', reason: 'r', runner: 2 ** 31 }],
  ['POST', `/jobs/j_${HUGE}/retry`, {}],
  ['POST', `/gates/g_${HUGE}/votes`, { verdict: 'approve' }],
] as const)('%s %s is refused likewise', async ([method, url, payload], { db }) => {
  const { call } = setupApi(db);

  const answer = await call(method, `/api/v1${url}`, payload === undefined ? {} : { payload });

  expect(answer).toMatchObject({ status: 400, body: { code: 'INVALID_REQUEST' } });
});

test.for([
  `/jobs/j_${LARGEST}`,
  `/gates/g_${LARGEST}`,
  `/repos/${HUGE}`,
  '/repos/a%00b',
  `/jobs?repo=${HUGE}`,
  '/audit?repo=%00',
  `/trace?ref=j_${LARGEST}`,
  '/trace?ref=!999999999',
])('GET %s finds nothing', async (url, { db }) => {
  const { call } = setupApi(db);

  const answer = await call('GET', `/api/v1${url}`);

  expect(answer).toMatchObject({ status: 404, body: { code: 'NOT_FOUND' } });
});

test.for([
  'repos',
  'jobs',
  'gates',
  'agents',
  'schedules',
  'budgets',
  'runners',
  'controls',
  'audit',
])('the largest cursor of %s is behind or before all there is', async (list, { db }) => {
  const { call } = setupApi(db);

  const answer = await call('GET', `/api/v1/${list}?cursor=${LARGEST}`);

  expect(answer).toMatchObject({ status: 200, body: { next: null } });
});
