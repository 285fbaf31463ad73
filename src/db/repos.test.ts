import { expect } from 'vitest';

import { test } from '../../test/database.ts';
import { newRepo } from './repo-rows-fixture.ts';
import { addRepo, findRepoAt, getRepo, listRepos, listTakenPaths, removeRepo } from './repos.ts';

test('an id is an id, also when another repository has that number as its path', async ({ db }) => {
  const repo = await newRepo(db);
  await newRepo(db, String(repo.id));

  expect(await getRepo(db, repo.id)).toEqual(repo);
  await expect(getRepo(db, 999_999)).rejects.toMatchObject({ code: 'NOT_FOUND' });
});

test('a repository that was removed comes back as the same one', async ({ db }) => {
  const repo = await newRepo(db);
  await removeRepo(db, repo.id);
  expect((await listRepos(db)).map(({ id }) => id)).not.toContain(repo.id);
  expect(await findRepoAt(db, repo)).toBeUndefined();

  const again = await addRepo(db, { ...repo, branch: 'trunk' });

  expect(again).toEqual({ ...repo, branch: 'trunk' });
  expect(await findRepoAt(db, repo)).toEqual(again);
});

test('a path belongs to one repository, also after its end', async ({ db }) => {
  const repo = await newRepo(db);
  await removeRepo(db, repo.id);
  const other = {
    path: repo.path,
    forge: 'local',
    location: '/elsewhere',
    branch: 'main',
  } as const;

  await expect(addRepo(db, other)).rejects.toMatchObject({ code: 'CONFLICT' });
  expect(await listTakenPaths(db, other)).toContain(repo.path);
  expect(await listTakenPaths(db, repo)).not.toContain(repo.path);
});
