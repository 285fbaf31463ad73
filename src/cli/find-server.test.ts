import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { expect, onTestFinished, test } from 'vitest';

import { findServer } from './find-server.ts';

const nothing = { dataDir: undefined, url: undefined, token: undefined };

async function setup(server: string | undefined): Promise<string> {
  const cwd = await mkdtemp(path.join(tmpdir(), 'autodev-find-'));
  onTestFinished(() => rm(cwd, { recursive: true }));
  await mkdir(path.join(cwd, '.autodev-data'));
  await writeFile(path.join(cwd, '.autodev-data/token'), 'secret\n', { mode: 0o600 });
  if (server !== undefined) {
    await writeFile(path.join(cwd, '.autodev-data/server.json'), server);
  }
  return cwd;
}

test('address and token come from the data directory', async () => {
  const cwd = await setup('{"url": "http://127.0.0.1:8080", "pid": 7}');

  const server = await findServer({ ...nothing, cwd });

  expect(server).toEqual({ url: 'http://127.0.0.1:8080', token: 'secret' });
});

test('what is said goes before what is found', async () => {
  const cwd = await setup('{"url": "http://127.0.0.1:8080"}');

  const server = await findServer({ ...nothing, cwd, url: 'http://h:1', token: 'mine' });

  expect(server).toEqual({ url: 'http://h:1', token: 'mine' });
});

test.for([undefined, '', '{"ur', '{}', '[]', 'null'])(
  'a data directory whose server.json is %j has no running server',
  async (content) => {
    const cwd = await setup(content);

    await expect(findServer({ ...nothing, cwd })).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    await expect(findServer({ ...nothing, cwd, dataDir: '.autodev-data' })).rejects.toMatchObject({
      code: 'UNAVAILABLE',
    });
  },
);

test.skipIf(process.getuid?.() === 0)('a token of somebody else names the file', async () => {
  const cwd = await setup('{"url": "http://127.0.0.1:8080"}');
  await chmod(path.join(cwd, '.autodev-data/token'), 0);

  await expect(findServer({ ...nothing, cwd })).rejects.toMatchObject({
    code: 'FORBIDDEN',
    remedy: expect.stringContaining('as the user who started'),
  });
});
