import { renameSync } from 'node:fs';
import { join } from 'node:path';

import { expect, test } from 'vitest';

import { repoFixture } from './repo-fixture.ts';

test('a head is followed through commits, packing and new commits on a packed branch', async () => {
  using fixture = repoFixture();
  const { forge, repo, signal, sh } = fixture;
  const read = async () => (await forge.readHeads([repo], signal)).get(repo.id);
  const first = sh(['rev-parse', 'main']);

  const seen = [await read(), await read()];
  const second = fixture.commit({ 'a.txt': 'a' });
  seen.push(await read());
  sh(['pack-refs', '--all']);
  seen.push(await read(), await read());
  const third = fixture.commit({ 'b.txt': 'b' });
  seen.push(await read());

  expect(seen).toEqual([first, first, second, second, second, third]);
});

test('the default branch is read, whatever is checked out', async () => {
  using fixture = repoFixture();
  const { forge, repo, signal, sh } = fixture;
  const main = sh(['rev-parse', 'main']);
  sh(['checkout', '--quiet', '-b', 'feature']);
  fixture.commit({ 'a.txt': 'a' });

  const heads = await forge.readHeads([repo], signal);

  expect(heads.get(repo.id)).toBe(main);
});

test('a linked worktree and a branch below a folder are read', async () => {
  using fixture = repoFixture();
  const { forge, repo, signal, sh } = fixture;
  const linked = join(fixture.folder, 'linked');
  sh(['worktree', 'add', '--quiet', '-b', 'team/main', linked]);

  const heads = await forge.readHeads([{ ...repo, location: linked, branch: 'team/main' }], signal);

  expect(heads.get(repo.id)).toBe(sh(['rev-parse', 'main']));
});

test('a branch that is a symbolic ref to another is read', async () => {
  using fixture = repoFixture();
  const { forge, repo, signal, sh } = fixture;
  sh(['symbolic-ref', 'refs/heads/alias', 'refs/heads/main']);

  const heads = await forge.readHeads([{ ...repo, branch: 'alias' }], signal);

  expect(heads.get(repo.id)).toBe(sh(['rev-parse', 'main']));
});

test('a repository that cannot be read answers with its error and spoils no other', async () => {
  using fixture = repoFixture();
  const { forge, repo, signal } = fixture;
  const gone = { ...repo, id: 2, location: join(fixture.folder, 'gone') };
  const branchless = { ...repo, id: 3, branch: 'nope' };

  const heads = await forge.readHeads([gone, branchless, repo], signal);

  expect(heads.get(2)).toMatchObject({ code: 'SOURCE_UNREADABLE' });
  expect(heads.get(3)).toMatchObject({ code: 'SOURCE_UNREADABLE' });
  expect(heads.get(1)).toBe(fixture.sh(['rev-parse', 'main']));
});

test('a repository that was moved away is an error although its head was known', async () => {
  using fixture = repoFixture();
  const { forge, repo, signal, path } = fixture;
  await forge.readHeads([repo], signal);
  renameSync(path, `${path}-away`);

  const away = await forge.readHeads([repo], signal);
  renameSync(`${path}-away`, path);
  const back = await forge.readHeads([repo], signal);

  expect(away.get(1)).toMatchObject({ code: 'SOURCE_UNREADABLE' });
  expect(back.get(1)).toBe(fixture.sh(['rev-parse', 'main']));
});
