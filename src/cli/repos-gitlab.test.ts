import { expect } from 'vitest';

import { test } from '../../test/database.ts';
import type { Acts } from '../dashboard/api/acts.ts';
import { TOKEN, setupApi } from '../dashboard/api/api-fixture.ts';
import type { Db } from '../db/db.ts';
import { insertRepo } from '../db/views/rows-fixture.ts';
import { runOn } from './cli-fixture.ts';

async function setup(db: Db, acts: Partial<Acts>) {
  const { listen } = setupApi(db, acts);
  return runOn(await listen(), TOKEN);
}

test('a project of GitLab is added by its path or id, a folder by where it is', async ({ db }) => {
  const asked: unknown[] = [];
  const autodev = await setup(db, {
    addRepo: async ({ location, forge = 'local', branch }) => {
      asked.push([forge, location, branch]);
      return { repoId: await insertRepo(db, `added-${asked.length}`) };
    },
  });

  await autodev('repos', 'add', 'platform/shop', '--branch', 'trunk');
  await autodev('repos', 'add', '17');
  await autodev('repos', 'add', './platform/shop');

  expect(asked).toEqual([
    ['gitlab', 'platform/shop', 'trunk'],
    ['gitlab', '17', undefined],
    ['local', expect.stringMatching(/^\/.*platform\/shop$/), undefined],
  ]);
});

test('a group is added with what its globs say', async ({ db }) => {
  const asked: unknown[] = [];
  const autodev = await setup(db, {
    addGroup: async ({ actor: _actor, ...group }) => {
      asked.push(group);
      return [{ repoId: 7, path: 'platform/api' }];
    },
  });

  const added = await autodev(
    'repos',
    'add',
    '--group',
    'platform',
    '--include',
    'api*',
    'web',
    '--exclude',
    'old/**',
  );
  const both = await autodev('repos', 'add', 'platform/shop', '--group', 'platform');

  expect(asked).toEqual([{ group: 'platform', include: ['api*', 'web'], exclude: ['old/**'] }]);
  expect(added).toMatchObject({ code: 0, stdout: expect.stringContaining('7  platform/api') });
  expect(added.stdout).toContain('join by themselves');
  expect(both.code).toBe(64);
});

test('a project is offered a first file when that is asked for', async ({ db }) => {
  const asked: unknown[] = [];
  const autodev = await setup(db, {
    addRepo: async () => ({ repoId: await insertRepo(db, 'offered') }),
    onboardRepo: async (_repoId, { again }) => {
      asked.push(again);
    },
  });

  const added = await autodev('repos', 'add', 'platform/shop', '--onboard', '--again');

  expect(asked).toEqual([true]);
  expect(added.stdout).toContain('merging begins, closing declines');
});
