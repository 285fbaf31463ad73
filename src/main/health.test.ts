import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';

import { execa } from 'execa';
import { expect, onTestFinished } from 'vitest';

import { test } from '../../test/database.ts';

const PROGRAM = path.join(import.meta.dirname, '../../bin/autodev.js');

test.for(['scheduler', 'reconciler', 'orchestrator', 'runner', 'dashboard'])(
  '%s says on a port of its own how it is, and counts what the fleet does',
  async (name, { connection }) => {
    const { url, end } = await start(name, { DATABASE_URL: connection });

    const [healthz, readyz, metrics] = await Promise.all(
      ['/healthz', '/readyz', '/metrics'].map(async (place) => {
        const response = await fetch(`${url}${place}`);
        return { status: response.status, text: await response.text() };
      }),
    );
    const exit = await end();

    expect(healthz).toEqual({ status: 200, text: 'ok\n' });
    expect(JSON.parse(readyz?.text ?? '')).toMatchObject({
      ready: true,
      checks: [{ name: 'database', ok: true }, { name: 'control bus' }],
    });
    expect(metrics?.text).toMatch(/^autodev_queue_depth\{/m);
    expect(metrics?.text).toMatch(/^autodev_control_bus_up\{/m);
    expect(exit).toBe(0);
  },
);

test('what the dashboard answers is counted on that port as well', async ({ connection }) => {
  const { url, api, end } = await start('dashboard', { DATABASE_URL: connection });

  await fetch(`${api}/healthz`);
  const text = await (await fetch(`${url}/metrics`)).text();
  await end();

  expect(text).toMatch(/autodev_http_request_duration_seconds_count\{.*route="\/healthz"/);
});

/** Starts a process; resolves when it says where it serves. */
async function start(name: string, env: Record<string, string>) {
  const folder = await mkdtemp(path.join(tmpdir(), 'autodev-health-'));
  const child = execa(process.execPath, [PROGRAM, name], {
    env: {
      PATH: process.env['PATH'] ?? '',
      AUTODEV_DATA: folder,
      AUTODEV_PORT: '0',
      AUTODEV_METRICS_PORT: '0',
      ...env,
    },
    extendEnv: false,
    reject: false,
    stdin: 'ignore',
    buffer: { stdout: false },
  });
  onTestFinished(async () => {
    child.kill('SIGKILL');
    await child;
    await rm(folder, { recursive: true, force: true });
  });
  let api = '';
  const served = new Promise<string>((resolve) => {
    createInterface({ input: child.stdout }).on('line', (line) => {
      api = /ready: (http\S+)/.exec(line)?.[1] ?? api;
      const port = /"port":(\d+),"msg":"health and metrics are served"/.exec(line)?.[1];
      if (port !== undefined) {
        resolve(`http://127.0.0.1:${port}`);
      }
    });
  });
  const ended = child.then(({ stderr }) => {
    throw new Error(`${name} ended: ${stderr}`);
  });
  const url = await Promise.race([served, ended]);
  // From here on it ends when it is asked to.
  ended.catch(() => {});
  const end = async (): Promise<number | undefined> => {
    child.kill('SIGTERM');
    return (await child).exitCode;
  };
  return { url, api, end };
}
