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

const JOB = { repo: 'x', agent: 'builder', task: 't' } as const;

test.for([
  ['GET', '/api/v1/jobs?state=done', undefined, 'state.0 must be one of waiting, queued, '],
  ['GET', '/api/v1/jobs?limit=0', undefined, 'limit must be at least 1'],
  ['GET', '/api/v1/jobs?limit=201', undefined, 'limit must be at most 200'],
  ['GET', '/api/v1/jobs?limit=few', undefined, 'limit must be a whole number'],
  ['GET', '/api/v1/jobs/12', undefined, 'id must look like j_12'],
  ['GET', '/api/v1/gates?job=g_1', undefined, 'job must look like j_12'],
  ['GET', '/api/v1/trace', undefined, 'ref is missing'],
  ['POST', '/api/v1/jobs', { ...JOB, tsk: 1 }, 'the body has no key "tsk"'],
  ['POST', '/api/v1/jobs', { ...JOB, agent: 'writer' }, 'agent must be one of pm, '],
  ['POST', '/api/v1/jobs', { ...JOB, task: '' }, 'task must not be empty'],
  [
    'POST',
    '/api/v1/jobs',
    { ...JOB, task: 't'.repeat(65_537) },
    'must have at most 65536 character',
  ],
  ['POST', '/api/v1/jobs', { ...JOB, task: [] }, 'task must be a text'],
  ['POST', '/api/v1/jobs/j_1/grants', { usd: 0 }, 'usd must be more than 0'],
  ['POST', '/api/v1/controls', { verb: 'pause', until: 'now' }, 'until must be a time like 20'],
  ['POST', '/api/v1/gates/g_1/votes', { verdict: 'approve', head: 'x' }, 'head must look like 1f'],
] as const)('%s %s says what is wrong and where', async ([method, url, payload, part], { db }) => {
  const { call } = setupApi(db);

  const answer = await call(method, url, payload === undefined ? {} : { payload });

  expect(answer).toMatchObject({ status: 400, body: { code: 'INVALID_REQUEST' } });
  expect(answer.body).toMatchObject({ detail: expect.stringContaining(part) });
});

test.for([
  ['/jobs?foo=1', 'this query has no key "foo"', 'known: limit, cursor, repo, agent, state, root'],
  ['/jobs?stat=queued', 'this query has no key "stat"', 'did you mean state? known: limit'],
  ['/repos?repo=x', 'this query has no key "repo"', 'known: limit, cursor'],
  ['/stats?since=1', 'this query has no key "since"', 'it takes none'],
  ['/jobs/j_1?x=1', 'this query has no key "x"', 'it takes none'],
] as const)(
  'GET %s: a key that is not known is refused by name',
  async ([url, detail, remedy], { db }) => {
    const { call } = setupApi(db);

    const answer = await call('GET', `/api/v1${url}`);

    expect(answer).toMatchObject({ status: 400, body: { code: 'INVALID_REQUEST', detail } });
    expect(answer.body).toMatchObject({ remedy: expect.stringContaining(remedy) });
  },
);

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
