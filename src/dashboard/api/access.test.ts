import { expect } from 'vitest';

import { test } from '../../../test/database.ts';
import { TOKEN, setupApi } from './api-fixture.ts';

const host = '127.0.0.1:8080';

test('the token opens reading and acting; without it both are refused', async ({ db }) => {
  const { app, call } = setupApi(db);

  const allowed = await call('GET', '/api/v1/repos');
  const anonymous = await app.inject({ url: '/api/v1/repos', headers: { host } });
  const wrong = await call('GET', '/api/v1/repos', { headers: { authorization: 'Bearer wrong' } });

  expect(allowed.status).toBe(200);
  expect(anonymous.statusCode).toBe(401);
  expect(anonymous.json()).toMatchObject({ code: 'UNAUTHORIZED', remedy: expect.any(String) });
  expect(wrong.status).toBe(401);
});

test.for(['evil.example:8080', '127.0.0.1:9999', '127.0.0.1'])(
  'a request for the host %s is refused even with the token',
  async (name, { db }) => {
    const { call } = setupApi(db);

    const answer = await call('GET', '/api/v1/repos', { headers: { host: name } });

    expect(answer).toMatchObject({ status: 403, body: { code: 'FORBIDDEN' } });
  },
);

test('a page of another origin may not call, a page of ours may', async ({ db }) => {
  const { call } = setupApi(db);

  const foreign = await call('GET', '/api/v1/repos', {
    headers: { origin: 'https://evil.example' },
  });
  const own = await call('GET', '/api/v1/repos', { headers: { origin: 'http://localhost:8080' } });

  expect(foreign.status).toBe(403);
  expect(own.status).toBe(200);
});

test('a login link signs one browser in, once, for reading only', async ({ db }) => {
  const { app, access } = setupApi(db);
  const path = access.loginPath();

  const login = await app.inject({ url: path, headers: { host } });
  const cookie = String(login.headers['set-cookie']).split(';')[0] ?? '';
  const read = await app.inject({ url: '/api/v1/repos', headers: { host, cookie } });
  const act = await app.inject({
    method: 'POST',
    url: '/api/v1/logins',
    headers: { host, cookie },
  });
  const again = await app.inject({ url: path, headers: { host } });

  expect(login.statusCode).toBe(303);
  expect(login.headers['set-cookie']).toMatch(/HttpOnly; SameSite=Lax/);
  expect(read.statusCode).toBe(200);
  expect(act.statusCode).toBe(401);
  expect(again.statusCode).toBe(401);
});

test('the token buys a new login link', async ({ db }) => {
  const { app, call } = setupApi(db);

  const answer = await call('POST', '/api/v1/logins');
  const { path } = JSON.parse(answer.text);
  const login = await app.inject({ url: path, headers: { host } });

  expect(answer.status).toBe(201);
  expect(login.statusCode).toBe(303);
});

test.for(['/healthz', '/readyz', '/metrics', '/schema/autodev.v1.json', '/api/docs/json'])(
  '%s needs no credentials',
  async (url, { db }) => {
    const { app } = setupApi(db);

    const answer = await app.inject({ url, headers: { host } });

    expect(answer.statusCode).toBe(200);
    expect(answer.body).not.toContain(TOKEN);
  },
);
