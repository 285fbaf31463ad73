import { expect } from 'vitest';

import { test } from '../../test/database.ts';
import { findRepoAt, listRepos, removeRepo } from '../db/repos.ts';
import { createGitlabForge } from '../forge/gitlab/forge.ts';
import { NEVER, startShop } from '../forge/gitlab/gitlab-forge-fixture.ts';
import { systemClock } from '../kernel/clock.ts';
import { silentLog } from '../kernel/log.ts';
import { followGroups } from './follow-groups.ts';
import { registerGroup, registerProject } from './register-project.ts';

async function setup() {
  const shop = await startShop();
  shop.gitlab.group('platform', [[shop.bot, 'developer']]);
  const gitlab = createGitlabForge(
    {
      client: shop.client,
      git: shop.git,
      clock: systemClock,
      log: silentLog,
      scratch: shop.folder,
      mirrors: shop.folder,
    },
    { matches: (glob, text) => glob === text },
  );
  return { ...shop, forge: gitlab };
}

test('a project is registered by path or id, once, and follows a rename', async ({ db }) => {
  await using shop = await setup();
  const deps = { db, gitlab: shop.forge };

  const first = await registerProject(deps, { actor: 'ada', project: 'platform/shop' }, NEVER);
  shop.gitlab.rename(shop.project, 'platform/store');
  const second = await registerProject(
    deps,
    { actor: 'ada', project: String(shop.project.id) },
    NEVER,
  );

  expect(second).toEqual({ repoId: first.repoId, path: 'platform/store' });
  const place = { forge: 'gitlab', location: String(shop.project.id) } as const;
  expect(await findRepoAt(db, place)).toMatchObject({ path: 'platform/store', branch: 'main' });
});

test('what GitLab does not show, and a server without GitLab, say what to do', async ({ db }) => {
  await using shop = await setup();
  const wanted = { actor: 'ada', project: 'platform/none' };

  await expect(registerProject({ db, gitlab: shop.forge }, wanted, NEVER)).rejects.toMatchObject({
    code: 'NOT_FOUND',
    remedy: expect.stringContaining('Developer'),
  });
  await expect(registerProject({ db, gitlab: undefined }, wanted, NEVER)).rejects.toMatchObject({
    code: 'INVALID_REQUEST',
    remedy: expect.stringContaining('GITLAB_URL'),
  });
});

test('new projects of a group join by themselves, and those that were removed stay away', async ({
  db,
}) => {
  await using shop = await setup();
  const deps = { db, gitlab: shop.forge, clock: systemClock, log: silentLog };
  const make = (path: string) => shop.gitlab.project(path, { files: { a: '1' } });
  await make('platform/one');
  await make('platform/skipped');
  const group = { actor: 'ada', group: 'platform', include: [], exclude: ['skipped', 'shop'] };

  const first = await registerGroup(deps, group, NEVER);
  await removeRepo(db, first[0]?.repoId ?? 0);
  await make('platform/team/two');
  const joined = await followGroups(deps, { everyMs: -1000 }, AbortSignal.timeout(2000));

  expect(first.map(({ path }) => path)).toEqual(['platform/one']);
  expect(joined).toContain('platform/team/two');
  const paths = (await listRepos(db)).map(({ path }) => path);
  expect(paths).toContain('platform/team/two');
  expect(paths).not.toContain('platform/one');
});
