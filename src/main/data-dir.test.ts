import { chmod, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { expect, test as base } from 'vitest';

import { announceServer, openDataDir, readOrMakeToken, readServerUrl } from './data-dir.ts';

const test = base.extend<{ folder: string }>({
  folder: async ({}, use) => {
    const folder = await mkdtemp(path.join(tmpdir(), 'autodev-data-dir-'));
    await use(folder);
    await rm(folder, { recursive: true, force: true });
  },
});

test('a start below a project finds the data directory of the project', async ({ folder }) => {
  const made = await openDataDir(undefined, folder);

  const found = await openDataDir(undefined, path.join(folder, '.autodev-data'));

  expect(made.folder).toBe(path.join(folder, '.autodev-data'));
  expect(found.folder).toBe(made.folder);
});

test.for(['/proc/autodev', '/dev/null/autodev'])(
  'a place that cannot be written is refused at once: %s',
  async (place) => {
    await expect(openDataDir(place, '/')).rejects.toMatchObject({
      code: 'DATA_DIR_UNUSABLE',
      remedy: expect.stringContaining('--data'),
    });
  },
);

test('a file in its place is refused', async ({ folder }) => {
  const file = path.join(folder, 'file');
  await writeFile(file, '');

  await expect(openDataDir(file, folder)).rejects.toMatchObject({ code: 'DATA_DIR_UNUSABLE' });
});

test('the token is made once and is for its owner alone', async ({ folder }) => {
  const data = await openDataDir(folder, '/');

  const first = await readOrMakeToken(data);

  expect(await readOrMakeToken(data)).toBe(first);
  expect(first).toMatch(/^[\w-]{43}$/);
  expect((await stat(data.file('token'))).mode & 0o777).toBe(0o600);
});

test('the address is there while the server is, and gone with it', async ({ folder }) => {
  const data = await openDataDir(folder, '/');

  const announced = await announceServer(data, { url: 'http://127.0.0.1:8080', pid: 1 });

  expect(await readServerUrl(data)).toBe('http://127.0.0.1:8080');
  expect(JSON.parse(await readFile(data.file('server.json'), 'utf8'))).toMatchObject({ pid: 1 });

  await announced[Symbol.asyncDispose]();

  expect(await readServerUrl(data)).toBeUndefined();
});

test.skipIf(process.getuid?.() === 0)(
  'a folder without write permission is refused',
  async ({ folder }) => {
    await chmod(folder, 0o500);

    await expect(openDataDir(path.join(folder, 'data'), '/')).rejects.toMatchObject({
      code: 'DATA_DIR_UNUSABLE',
    });
  },
);
