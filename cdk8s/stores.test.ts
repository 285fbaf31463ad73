import { mkdir, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { execa } from 'execa';
import { expect, onTestFinished, test } from 'vitest';

import { environmentOf, objectsOf } from './checks/environment-fixture.ts';
import { listAt } from './checks/look.ts';
import { podsOf } from './checks/rule.ts';
import { isInstalled } from './debian-postgres-fixture.ts';
import { planSecrets } from './secrets.ts';

const environment = environmentOf('prod');
const SNAPSHOT = path.join(import.meta.dirname, 'scripts/snapshot-qdrant.mjs');

test.skipIf(!isInstalled('redis-server'))(
  'Redis starts as the manifest says: probes see it, each user has our channels alone, a stranger has nothing (needs redis-server)',
  async () => {
    const { cli } = await startRedis();

    expect(await cli([], 'ping')).toBe('PONG');
    expect(await cli([], 'publish', 'autodev:i:control', '1')).toMatch(/^NOPERM/);
    expect(await cli(RUNNER, 'ping')).toBe('PONG');
    expect(await cli(RUNNER, 'publish', 'autodev:i:control', '1')).toBe('0');
    expect(await cli(RUNNER, 'set', 'autodev:x', '1')).toMatch(/^NOPERM/);
    expect(await cli(RUNNER, 'publish', 'other', '1')).toMatch(/^NOPERM/);
    expect(await cli(RUNNER, 'flushall')).toMatch(/^NOPERM/);
    expect(await cli(RUNNER, 'config', 'get', 'dir')).toMatch(/^NOPERM/);
    expect(
      await cli(['--user', 'runner', '--pass', 'wrong'], 'publish', 'autodev:i:control', '1'),
    ).toMatch(/WRONGPASS|NOPERM/);
  },
);

test('a snapshot of Qdrant is saved whole, and removed there', async () => {
  const { url, asked } = await qdrant((request, response) =>
    answer(
      response,
      request.method === 'GET' ? 'the snapshot' : '{"result":{"name":"full.snapshot"}}',
    ),
  );
  const folder = await workFolder();

  await snapshot(url, folder);

  expect(await readFile(path.join(folder, 'qdrant.snapshot'), 'utf8')).toBe('the snapshot');
  expect(asked).toEqual([
    'POST /snapshots?wait=true key',
    'GET /snapshots/full.snapshot key',
    'DELETE /snapshots/full.snapshot?wait=true key',
  ]);
});

test('a snapshot that breaks off leaves no file that could pass for one, and is removed there as well', async () => {
  const { url, asked } = await qdrant((request, response) => {
    if (request.method === 'GET') {
      response.writeHead(200, { 'content-length': '1000' });
      response.write('half');
      setImmediate(() => response.destroy());
    } else {
      answer(response, '{"result":{"name":"full.snapshot"}}');
    }
  });
  const folder = await workFolder();

  await expect(snapshot(url, folder)).rejects.toThrow(/terminated|aborted|failed/);

  expect((await readdir(folder)).filter((name) => !/^key$|\.part$/.test(name))).toEqual([]);
  expect(asked.at(-1)).toMatch(/^DELETE/);
});

test('a Qdrant that refuses is told by name', async () => {
  const { url } = await qdrant((_, response) => {
    response.writeHead(403).end();
  });

  await expect(snapshot(url, await workFolder())).rejects.toThrow(
    'Qdrant answered POST /snapshots?wait=true with 403',
  );
});

const RUNNER = ['--user', 'runner', '--pass', 'runner-password'];

/** With the arguments of the manifest, but that it listens to a socket alone. */
async function startRedis() {
  const folder = await mkdtemp(path.join(tmpdir(), 'auto-dev-redis-'));
  const acl = path.join(folder, 'users.acl');
  const plan = planSecrets(environment).find(({ name }) => name === 'redis');
  await writeFile(
    acl,
    (plan?.files['users.acl'] ?? '').replaceAll(/\{\{ \.(\w+)_password \}\}/g, '$1-password'),
  );
  const container = podsOf(objectsOf(environment)).find(({ name }) => name === 'StatefulSet/redis')
    ?.containers[0];
  const [program = '', ...argv] = listAt(container?.node, 'args').map((arg) =>
    String(arg).replace(/^\/run\/secrets.*/, acl),
  );
  const socket = path.join(folder, 'redis.sock');
  const server = execa(program, [...argv, '--port', '0', '--unixsocket', socket, '--dir', folder], {
    reject: false,
    stdin: 'ignore',
  });
  onTestFinished(async () => {
    server.kill();
    await server;
    await rm(folder, { recursive: true, force: true });
  });
  const cli = async (user: readonly string[], ...command: string[]): Promise<string> => {
    const { stdout, stderr } = await execa(
      'redis-cli',
      ['-s', socket, '--no-auth-warning', ...user, ...command],
      { reject: false },
    );
    return stdout || stderr;
  };
  await expect.poll(() => cli([], 'ping'), { timeout: 20_000 }).toBe('PONG');
  return { cli };
}

async function qdrant(respond: (request: IncomingMessage, response: ServerResponse) => void) {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    asked.push(`${request.method} ${request.url} ${String(request.headers['api-key'])}`);
    respond(request, response);
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  return { url: `http://127.0.0.1:${port}`, asked };
}

function answer(response: ServerResponse, text: string): void {
  response.writeHead(200, { 'content-type': 'application/json' }).end(text);
}

async function workFolder(): Promise<string> {
  const folder = await mkdtemp(path.join(tmpdir(), 'auto-dev-qdrant-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  await mkdir(folder, { recursive: true });
  await writeFile(path.join(folder, 'key'), 'key\n');
  return folder;
}

async function snapshot(url: string, folder: string): Promise<void> {
  await execa(process.execPath, [SNAPSHOT], {
    env: { QDRANT_URL: url, QDRANT_API_KEY_FILE: path.join(folder, 'key'), WORK: folder },
    stdin: 'ignore',
  });
}
