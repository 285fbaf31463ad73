import { expect } from 'vitest';

import { test } from '../../../test/database.ts';
import { setupApi } from './api-fixture.ts';

test('an unknown route is a problem document', async ({ db }) => {
  const { call } = setupApi(db);

  const answer = await call('GET', '/api/v1/nothing?x=1');

  expect(answer.headers['content-type']).toBe('application/problem+json; charset=utf-8');
  expect(answer.body).toEqual({
    type: 'urn:autodev:problem:not-found',
    title: 'Not found',
    status: 404,
    code: 'NOT_FOUND',
    detail: 'there is no GET /api/v1/nothing',
    remedy: 'GET /api/docs lists what there is',
  });
});

test.for([
  ['GET', '/api/v1/jobs?state=done', undefined, 'querystring/state/0'],
  ['GET', '/api/v1/jobs?limit=0', undefined, 'querystring/limit'],
  ['GET', '/api/v1/jobs/12', undefined, 'params/id'],
  ['POST', '/api/v1/jobs', { repo: 'x', agent: 'builder', task: 't', tsk: 1 }, 'tsk'],
  ['POST', '/api/v1/jobs', { repo: 'x', agent: 'writer', task: 't' }, 'builder'],
] as const)('%s %s says what is wrong and where', async ([method, url, payload, part], { db }) => {
  const { call } = setupApi(db);

  const answer = await call(method, url, payload === undefined ? {} : { payload });

  expect(answer).toMatchObject({ status: 400, body: { code: 'INVALID_REQUEST' } });
  expect(answer.body).toMatchObject({ detail: expect.stringContaining(part) });
});

test('a body that is no JSON, and one that is too large, are refused', async ({ db }) => {
  const { call } = setupApi(db);
  const headers = { 'content-type': 'application/json' };

  const broken = await call('POST', '/api/v1/jobs', { payload: '{', headers });
  const large = await call('POST', '/api/v1/jobs', { payload: { task: 'x'.repeat(2 << 20) } });

  expect(broken).toMatchObject({ status: 400, body: { code: 'INVALID_REQUEST' } });
  expect(large).toMatchObject({ status: 413, body: { code: 'TOO_LARGE' } });
});

test('a bug is answered without its text', async ({ db }) => {
  const { call } = setupApi(db, {
    addRepo: () => Promise.reject(new TypeError('secret inner workings')),
  });

  const answer = await call('POST', '/api/v1/repos', { payload: { location: '/srv/x' } });

  expect(answer).toMatchObject({ status: 500, body: { code: 'INTERNAL' } });
  expect(answer.text).not.toContain('inner workings');
});
