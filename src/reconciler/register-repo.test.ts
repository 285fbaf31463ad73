import { mkdirSync } from 'node:fs';
import { join } from 'node:path';

import { expect } from 'vitest';

import { test } from '../../test/database.ts';
import { getRepo } from '../db/repos.ts';
import { sql } from '../db/sql.ts';
import { repoFixture } from '../forge/local/repo-fixture.ts';
import { registerRepo, unregisterRepo } from './register-repo.ts';

test('a repository is called as its folder, with a number where that is taken', async ({ db }) => {
  using one = repoFixture();
  using two = repoFixture();

  const first = await registerRepo({ db, forge: one.forge }, { actor: 'ada', location: one.path });
  const second = await registerRepo({ db, forge: two.forge }, { actor: 'ada', location: two.path });

  expect([first.path, second.path]).toEqual(['repo', 'repo-2']);
  const [audit] = await db.query(
    sql`select actor, action, target from audit where repo_id = ${second.repoId}`,
  );
  expect(audit).toEqual({ actor: 'ada', action: 'repo.add', target: 'repo-2' });
});

test('registered again from within, it is the same one under the same name', async ({ db }) => {
  using fixture = repoFixture();
  const deps = { db, forge: fixture.forge };
  const first = await registerRepo(deps, { actor: 'ada', location: fixture.path, path: 'shop' });

  const again = await registerRepo(deps, { actor: 'bob', location: join(fixture.path, 'src') });

  expect(again).toEqual(first);
});

test('a name that belongs to another repository is refused', async ({ db }) => {
  using one = repoFixture();
  using two = repoFixture();
  await registerRepo({ db, forge: one.forge }, { actor: 'ada', location: one.path, path: 'mine' });

  const taken = registerRepo(
    { db, forge: two.forge },
    { actor: 'ada', location: two.path, path: 'mine' },
  );

  await expect(taken).rejects.toMatchObject({
    code: 'CONFLICT',
    remedy: expect.stringContaining('--name'),
  });
});

test('what is no repository, or has no commit, is refused with what to do', async ({ db }) => {
  using fixture = repoFixture();
  const deps = { db, forge: fixture.forge };
  const empty = join(fixture.folder, 'empty');
  mkdirSync(empty);

  const nothing = registerRepo(deps, { actor: 'ada', location: empty });
  await expect(nothing).rejects.toMatchObject({ code: 'INVALID_REQUEST' });

  fixture.sh(['init', '--quiet'], empty);
  const bare = registerRepo(deps, { actor: 'ada', location: empty });
  await expect(bare).rejects.toMatchObject({ remedy: expect.stringContaining('commit') });
});

test('a removed repository is not found any more, by nobody twice', async ({ db }) => {
  using fixture = repoFixture();
  const deps = { db, forge: fixture.forge };
  const { repoId } = await registerRepo(deps, { actor: 'ada', location: fixture.path });

  await unregisterRepo(deps, repoId, { actor: 'ada' });

  await expect(getRepo(db, repoId)).rejects.toMatchObject({ code: 'NOT_FOUND' });
  await expect(unregisterRepo(deps, repoId, { actor: 'ada' })).rejects.toMatchObject({
    code: 'NOT_FOUND',
  });
});
