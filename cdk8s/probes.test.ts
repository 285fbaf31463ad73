import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { execa } from 'execa';
import { expect, onTestFinished } from 'vitest';

import { test } from '../test/database.ts';
import { environmentOf, objectsOf } from './checks/environment-fixture.ts';
import { listAt, textAt, textsAt } from './checks/look.ts';
import type { Container } from './checks/rule.ts';
import { ofKind } from './checks/rule.ts';
import { containersOfOurs, secretFilesOf, variablesOf } from './container-fixture.ts';

const PROGRAM = path.join(import.meta.dirname, '../bin/autodev.js');
const objects = objectsOf(environmentOf('prod'));
const containers = containersOfOurs(objects);

/** The dashboard listens beyond this machine only where people sign in, which needs an issuer that answers. */
test.for(['webhook', 'scheduler', 'reconciler', 'orchestrator', 'runner'])(
  'started with the settings, arguments and files of its manifest, %s answers its own probes and ends in its time',
  async (process, { connection }) => {
    const container = containers.find(({ node }) => listAt(node, 'args')[0] === process);
    const running = await start(container, connection);

    const probes = ['startupProbe', 'livenessProbe', 'readinessProbe'].map((probe) =>
      textAt(container?.node, `${probe}.httpGet.path`),
    );
    for (const place of probes) {
      await expect.poll(() => running.ask(place ?? ''), { timeout: 30_000 }).toBe(200);
    }

    expect(await running.end()).toEqual({ exitCode: 0, stderr: '' });
    expect(new Set(probes)).toEqual(new Set(['/healthz', '/readyz']));
  },
);

/** The mounts of the manifest in a folder; the stores of the cluster are the test's database, and none. */
async function start(container: Container | undefined, connection: string) {
  if (container === undefined) {
    throw new Error('no manifest runs this process');
  }
  const root = await mkdtemp(path.join(tmpdir(), 'auto-dev-pod-'));
  onTestFinished(() => rm(root, { recursive: true, force: true }));
  const within = (file: string): string => (file.startsWith('/') ? path.join(root, file) : file);
  const put = async (file: string, content: string): Promise<void> => {
    await mkdir(path.dirname(within(file)), { recursive: true });
    await writeFile(within(file), content);
  };
  for (const [file, content] of secretFilesOf(objects, container)) {
    const isUrl = { DATABASE_URL: connection, REDIS_URL: 'redis://127.0.0.1:1' }[
      path.basename(file)
    ];
    await put(file, isUrl ?? content);
  }
  const policy = ofKind(objects, 'ConfigMap').find(({ metadata }) =>
    metadata.name.startsWith('policy-'),
  );
  await put('/etc/auto-dev/policy.yaml', textsAt(policy, 'data')['policy.yaml'] ?? '');

  const port = await freePort();
  const settings = variablesOf(objects, container);
  const child = execa(process.execPath, [PROGRAM, ...listAt(container.node, 'args').map(String)], {
    env: {
      ...Object.fromEntries(Object.entries(settings).map(([name, value]) => [name, within(value)])),
      PATH: process.env['PATH'] ?? '',
      AUTODEV_HOST: '127.0.0.1',
      AUTODEV_PORT: '0',
      AUTODEV_METRICS_PORT: String(port),
    },
    extendEnv: false,
    reject: false,
    stdin: 'ignore',
    stdout: 'ignore',
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  return {
    ask: async (place: string): Promise<number> => {
      const response = await fetch(`http://127.0.0.1:${port}${place}`).catch(() => undefined);
      return response?.status ?? 0;
    },
    end: async () => {
      child.kill('SIGTERM');
      const { exitCode, stderr } = await child;
      return { exitCode, stderr };
    },
  };
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const address = server.address();
  await new Promise<void>((resolve) => {
    server.close(() => resolve());
  });
  return typeof address === 'object' && address !== null ? address.port : 0;
}
