import { mkdir, mkdtemp, realpath, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { expect, onTestFinished } from 'vitest';

import { test } from '../../test/database.ts';
import { TOKEN, setupApi } from '../dashboard/api/api-fixture.ts';
import type { Db } from '../db/db.ts';
import { sql } from '../db/sql.ts';
import { insertJob, insertRepo } from '../db/views/rows-fixture.ts';
import { run } from './cli-fixture.ts';

async function setup(db: Db, { name }: { name: string }) {
  const asked: unknown[] = [];
  const url = await setupApi(db, {
    runJob: async ({ repoId: id, task }) => {
      asked.push(task);
      return { jobId: await insertJob(db, id) };
    },
  }).listen();
  const dir = await realpath(await mkdtemp(path.join(tmpdir(), 'autodev-pick-')));
  onTestFinished(() => rm(dir, { recursive: true }));
  const top = path.join(dir, 'app');
  await mkdir(path.join(top, '.git'), { recursive: true });
  await mkdir(path.join(top, 'src/deep'), { recursive: true });
  const repoId = await insertRepo(db, name);
  await db.query(sql`update repo set location = ${top} where id = ${repoId}`);
  const autodev = (cwd: string, ...argv: string[]) =>
    run(argv, { cwd, env: { AUTODEV_URL: url, AUTODEV_TOKEN: TOKEN } });
  return { dir, top, asked, autodev };
}

test('a repository is named by where it lies, also by a folder in it or a link to it', async ({
  db,
}) => {
  const { dir, top, autodev } = await setup(db, { name: 'group/placed' });
  await insertRepo(db);
  await symlink(top, path.join(dir, 'link'));

  const answers = await Promise.all([
    autodev(top, 'why', '.'),
    autodev(top, 'status', '.'),
    autodev(path.join(top, 'src'), 'why', './deep'),
    autodev(path.join(top, 'src'), 'why', '..'),
    autodev('/', 'why', top),
    autodev('/', 'why', path.join(dir, 'link')),
    autodev(dir, 'why', './app/'),
  ]);

  for (const { code, stdout } of answers) {
    expect(code).toBe(0);
    expect(stdout).toContain('group/placed');
  }
});

test('every command that takes a repository takes its place', async ({ db }) => {
  const { top, asked, autodev } = await setup(db, { name: 'everywhere' });

  const started = await autodev(top, 'run', '.', 'tester', 'Cover', 'it');
  const listed = await autodev(top, 'jobs', '.');
  const others = await Promise.all(
    ['approvals', 'budget', 'audit'].map((name) => autodev(top, name, '.')),
  );

  expect(started.code).toBe(0);
  expect(asked).toEqual(['Cover it']);
  expect(listed.stdout).toMatch(/j_\d+ +everywhere/);
  expect(others.map(({ code }) => code)).toEqual([0, 0, 0]);
});

test('a place without a registered repository is refused with those that there are', async ({
  db,
}) => {
  const { dir, top, autodev } = await setup(db, { name: 'known' });
  await mkdir(path.join(top, 'vendor/other/.git'), { recursive: true });

  const outside = await autodev(dir, 'why', '.');
  const nested = await autodev(path.join(top, 'vendor/other'), 'why', '.');

  expect(outside.code).toBe(1);
  expect(outside.stderr).toContain(`no registered repository is at ${dir} [NOT_FOUND]`);
  expect(outside.stderr).toContain(`known (${top})`);
  expect(nested.code).toBe(1);
});
