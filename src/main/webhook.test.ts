import { createHmac } from 'node:crypto';

import { expect } from 'vitest';

import { test } from '../../test/database.ts';
import { readSettings } from '../config/settings.ts';
import { addToTally } from '../db/hook-tally.ts';
import type { PostgresDb } from '../db/pool.ts';
import { addRepo } from '../db/repos.ts';
import { hookToken } from '../forge/hook-token.ts';
import { systemClock } from '../kernel/clock.ts';
import { silentLog } from '../kernel/log.ts';
import { runTogether } from '../kernel/service.ts';
import { hookChecks } from './hook-checks.ts';
import { webhookServices } from './webhook.ts';

const SECRET = 'a-secret-of-some-length';
const BODY = JSON.stringify({
  object_kind: 'issue',
  project: { id: 15 },
  object_attributes: { iid: 1 },
});

/** The process as it runs, but for its signals. */
async function start(db: PostgresDb, env: Record<string, string>) {
  const settings = readSettings(
    { AUTODEV_PORT: '0', AUTODEV_METRICS_PORT: '0', ...env },
    { readFile: () => SECRET },
  );
  const said = { hooks: '', health: '' };
  const log = {
    ...silentLog,
    info: (fields: object) => void Object.assign(said, fields),
  };
  const services = await webhookServices({ settings, db, clock: systemClock, log });
  const stop = new AbortController();
  const running = runTogether(services, stop.signal);
  return {
    hooks: `http://${said.hooks}/webhook`,
    health: `http://${said.health}`,
    stop: async () => {
      stop.abort();
      await running;
    },
  };
}

test('the process takes hooks on one port and says how it is on another', async ({ db }) => {
  await db.transaction((tx) =>
    addRepo(tx, { path: 'group/app', forge: 'gitlab', location: '15', branch: 'main' }),
  );
  const { hooks, health, stop } = await start(db, { GITLAB_WEBHOOK_SECRET: SECRET });
  const send = (token: string) =>
    fetch(hooks, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-gitlab-token': token },
      body: BODY,
    });

  const good = await send(hookToken(SECRET, '15'));
  const forged = await send(createHmac('sha256', 'x').update('15').digest('hex'));
  const [healthz, readyz] = [await fetch(`${health}/healthz`), await fetch(`${health}/readyz`)];
  const ready: unknown = await readyz.json();
  const metrics = await (await fetch(`${health}/metrics`)).text();
  await stop();

  expect([good.status, forged.status, healthz.status]).toEqual([200, 401, 200]);
  expect(ready).toMatchObject({ ready: true, checks: [{ name: 'database' }, { name: 'intake' }] });
  expect(metrics).toContain('autodev_webhook_deliveries_total{outcome="stored"} 1');
  expect(metrics).toContain('autodev_webhook_deliveries_total{outcome="bad_token"} 1');
  const checks = await hookChecks(db, systemClock.now());
  expect(checks).toMatchObject([
    { name: 'hooks', ok: true, detail: expect.stringMatching(/group\/app \d+s ago/) },
    {
      name: 'refused',
      ok: false,
      detail: expect.stringMatching(/^bad_token 1 \(last \d+s ago\)$/),
    },
  ]);
});

test('without anything that proves who sends, the process does not start', async ({ db }) => {
  await expect(start(db, {})).rejects.toMatchObject({
    code: 'SETTINGS_INVALID',
    message: expect.stringContaining('GITLAB_WEBHOOK_SIGNING_TOKEN nor GITLAB_WEBHOOK_SECRET'),
    remedy: expect.stringContaining('GITLAB_WEBHOOK_SECRET'),
  });
});

test('a repository that GitLab never told of anything is found', async ({ db }) => {
  const { id } = await db.transaction((tx) =>
    addRepo(tx, { path: 'group/silent', forge: 'gitlab', location: '16', branch: 'main' }),
  );
  const before = await hookChecks(db, systemClock.now());
  const delivery = { repoId: id, outcome: 'stored', count: 1 } as const;
  await addToTally(db, [{ ...delivery, lastAt: systemClock.now() }]);
  const after = await hookChecks(db, systemClock.now());

  expect(before[0]).toMatchObject({ ok: false, detail: expect.stringContaining('silent never') });
  expect(after[0]?.detail).not.toContain('never');
});
