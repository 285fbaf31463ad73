import { mkdir, mkdtemp, readFile, rm, rmdir, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { expect, test } from 'vitest';

import { dataFolder } from '../../../test/embedded.ts';
import { postgresAccount } from './account.ts';
import { makeSocketDir, preparePlaces } from './places.ts';

test.runIf(process.getuid?.() === 0)(
  'root gets a copy of binaries that its account cannot reach, which everybody may run',
  async () => {
    await using data = await dataFolder();
    const hidden = await mkdtemp(path.join(tmpdir(), 'autodev-binaries-')); // 0700
    await mkdir(path.join(hidden, 'bin'), { mode: 0o700 });
    await writeFile(path.join(hidden, 'bin', 'postgres'), 'program', { mode: 0o700 });
    const binaries = { folder: hidden, version: '0.0.0-test' };
    const account = await postgresAccount();

    const first = await preparePlaces(account, binaries, data.dataDir);
    const second = await preparePlaces(account, binaries, data.dataDir);

    const program = path.join(first.binariesDir, 'bin', 'postgres');
    expect(first.binariesDir).toMatch(/^\/var\/lib\/autodev\/postgres-0\.0\.0-test-/);
    expect(second).toEqual(first);
    expect(await readFile(program, 'utf8')).toBe('program');
    expect((await stat(program)).mode & 0o777).toBe(0o755);
    for (const dir of [hidden, first.binariesDir]) {
      await rm(dir, { recursive: true });
    }
    await rmdir('/var/lib/autodev').catch(() => {}); // unless somebody uses it
  },
);

test('a socket path stays short enough for the kernel, however long the data folder’s', async () => {
  await using data = await dataFolder();
  const deep = path.join(data.dataDir, 'a'.repeat(100), 'b'.repeat(100));
  const binaries = { folder: '/', version: '0' };

  const { socketDir } = await preparePlaces({}, binaries, deep);

  expect(path.join(socketDir, '.s.PGSQL.5432').length).toBeLessThan(104);
});

test('a socket folder that is somebody else’s is refused', async () => {
  await using data = await dataFolder();
  const places = await preparePlaces({}, { folder: '/', version: '0' }, data.dataDir);
  await symlink(data.dataDir, places.socketDir);

  const made = makeSocketDir({}, places);

  await expect(made).rejects.toMatchObject({ code: 'DATA_DIR_UNUSABLE' });
  await rm(places.socketDir);
});
