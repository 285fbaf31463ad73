import { expect } from 'vitest';

import { test } from '../../../../test/database.ts';
import { recordSetback } from '../../../db/setbacks.ts';
import { insertGate, insertJob, insertRepo } from '../../../db/views/rows-fixture.ts';
import { setupApi } from '../api-fixture.ts';

test('ready means that every part says so', async ({ db }) => {
  const good = setupApi(db, {}, { ready: async () => [{ name: 'sandbox', ok: true }] });
  const bad = setupApi(
    db,
    {},
    { ready: async () => [{ name: 'sandbox', ok: false, detail: 'install bubblewrap' }] },
  );

  const yes = await good.call('GET', '/readyz');
  const no = await bad.call('GET', '/readyz');

  expect(yes).toMatchObject({
    status: 200,
    body: {
      ready: true,
      checks: [
        { name: 'database', ok: true },
        { name: 'sandbox', ok: true },
      ],
    },
  });
  expect(no).toMatchObject({ status: 503, body: { ready: false } });
  expect(no.text).toContain('install bubblewrap');
});

test('metrics count jobs, gates and answers, all of one moment', async ({ db }) => {
  const { call } = setupApi(db);
  const repoId = await insertRepo(db);
  await insertJob(db, repoId, { state: 'publishing' });
  await insertGate(db, repoId);
  await call('GET', '/api/v1/repos/none');

  const { text } = await call('GET', '/metrics');

  expect(text).toMatch(/^autodev_queue_depth\{state="publishing"\} 1$/m);
  expect(text).toMatch(/^autodev_open_gates 1$/m);
  expect(text).toMatch(/^autodev_repos 1$/m);
  expect(text).toMatch(
    /^autodev_http_request_duration_seconds_count\{method="GET",route="\/api\/v1\/repos\/:id",status="404"\} 1$/m,
  );
});

test('what was set aside for a bug is counted, and shown with its error', async ({ db }) => {
  const { call } = setupApi(db);
  await recordSetback(db, { sweep: 'event', rowId: 12, error: 'TypeError: inside' });
  await recordSetback(db, { sweep: 'event', rowId: 12, error: 'TypeError: inside' });

  const metrics = await call('GET', '/metrics');
  const stats = await call('GET', '/api/v1/stats');

  expect(metrics.text).toMatch(/^autodev_faults_total\{what="event"\} 2$/m);
  expect(JSON.parse(stats.text)).toMatchObject({
    faults: { event: 2 },
    set_aside: [{ what: 'event', id: '12', tries: 2, error: 'TypeError: inside' }],
  });
});

test('a login ends on a page, also while there is no dashboard', async ({ db }) => {
  const { call } = setupApi(db);

  const { status, headers } = await call('GET', '/');

  expect(status).toBe(302);
  expect(headers['location']).toBe('/api/docs/');
});

test('the schema is that of autodev.yaml', async ({ db }) => {
  const { call } = setupApi(db);

  const { body, headers } = await call('GET', '/schema/autodev.v1.json');

  expect(headers['access-control-allow-origin']).toBe('*');
  expect(body).toMatchObject({ properties: { version: {}, agents: {}, schedules: {} } });
});

test('the API describes every route of its own, and errors with it', async ({ db }) => {
  const { call } = setupApi(db);

  const page = await call('GET', '/api/docs/');
  const { text } = await call('GET', '/api/docs/json');

  const document: {
    openapi: string;
    paths: Record<string, Record<string, { responses: object }>>;
  } = JSON.parse(text);
  expect(page.status).toBe(200);
  expect(document.openapi).toBe('3.1.0');
  expect(Object.keys(document.paths).sort()).toEqual([
    '/api/v1/agents',
    '/api/v1/audit',
    '/api/v1/budgets',
    '/api/v1/controls',
    '/api/v1/controls/{id}',
    '/api/v1/events/stream',
    '/api/v1/gates',
    '/api/v1/gates/{id}',
    '/api/v1/gates/{id}/votes',
    '/api/v1/grants',
    '/api/v1/jobs',
    '/api/v1/jobs/{id}',
    '/api/v1/jobs/{id}/cancel',
    '/api/v1/jobs/{id}/diff',
    '/api/v1/jobs/{id}/grants',
    '/api/v1/jobs/{id}/release',
    '/api/v1/jobs/{id}/replay',
    '/api/v1/jobs/{id}/retry',
    '/api/v1/jobs/{id}/trace',
    '/api/v1/jobs/{id}/transcript',
    '/api/v1/jobs/{id}/why',
    '/api/v1/logins',
    '/api/v1/repos',
    '/api/v1/repos/groups',
    '/api/v1/repos/{id}',
    '/api/v1/repos/{id}/agents/{agent}/reset',
    '/api/v1/repos/{id}/file',
    '/api/v1/repos/{id}/grants',
    '/api/v1/repos/{id}/onboarding',
    '/api/v1/repos/{id}/plan',
    '/api/v1/repos/{id}/policy',
    '/api/v1/repos/{id}/sync',
    '/api/v1/repos/{id}/why',
    '/api/v1/runners',
    '/api/v1/schedules',
    '/api/v1/set-aside/retry',
    '/api/v1/stats',
    '/api/v1/trace',
  ]);
  for (const methods of Object.values(document.paths)) {
    for (const { responses } of Object.values(methods)) {
      expect(Object.keys(responses)).toContain('4XX');
    }
  }
});
