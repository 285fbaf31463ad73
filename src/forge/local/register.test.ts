import { mkdirSync } from 'node:fs';
import { join } from 'node:path';

import { expect, test } from 'vitest';

import { repoFixture } from './repo-fixture.ts';

const unnamed = { branch: undefined };

test('a working tree, a folder in it and a linked worktree are all the same repository', async () => {
  using fixture = repoFixture();
  const { forge, path, signal, sh } = fixture;
  const linked = join(fixture.folder, 'linked');
  sh(['worktree', 'add', '--quiet', '-b', 'other', linked]);

  const paths = [path, join(path, 'src'), linked];
  const found = await Promise.all(
    paths.map((each) => forge.inspect({ path: each, ...unnamed }, signal)),
  );

  const head = sh(['rev-parse', 'main']);
  const expected = { location: path, branch: 'main', head, bare: false };
  expect(found).toEqual([expected, expected, expected]);
});

test('a bare repository can be registered', async () => {
  using fixture = repoFixture();
  const bare = join(fixture.folder, 'bare.git');
  fixture.sh(['clone', '--quiet', '--bare', fixture.path, bare]);

  const found = await fixture.forge.inspect({ path: bare, ...unnamed }, fixture.signal);

  expect(found).toMatchObject({ location: bare, branch: 'main', bare: true });
});

test('a submodule is registered by its own working tree', async () => {
  using fixture = repoFixture();
  const { forge, path, signal, sh } = fixture;
  sh(['-c', 'protocol.file.allow=always', 'submodule', '--quiet', 'add', path, 'inner']);

  const found = await forge.inspect({ path: join(path, 'inner'), ...unnamed }, signal);
  const commit = await forge.readCommit({ id: 2, path: 'inner', ...found }, found.head, signal);

  expect(found).toMatchObject({ location: join(path, 'inner'), branch: 'main', bare: false });
  expect(commit.sha).toBe(found.head);
});

test('the default branch is the one named, else that of origin, else main or master, never HEAD', async () => {
  using fixture = repoFixture();
  const { forge, path, signal, sh } = fixture;
  sh(['checkout', '--quiet', '-b', 'feature']);
  sh(['branch', 'develop']);

  const main = await forge.inspect({ path, ...unnamed }, signal);
  sh(['update-ref', 'refs/remotes/origin/develop', 'HEAD']);
  sh(['symbolic-ref', 'refs/remotes/origin/HEAD', 'refs/remotes/origin/develop']);
  const ofOrigin = await forge.inspect({ path, ...unnamed }, signal);
  const named = await forge.inspect({ path, branch: 'feature' }, signal);

  expect([main.branch, ofOrigin.branch, named.branch]).toEqual(['main', 'develop', 'feature']);
});

test('a detached HEAD does not matter', async () => {
  using fixture = repoFixture();
  fixture.sh(['checkout', '--quiet', '--detach']);

  const found = await fixture.forge.inspect({ path: fixture.path, ...unnamed }, fixture.signal);

  expect(found.branch).toBe('main');
});

test('a folder that is no repository is refused with the command that makes it one', async () => {
  using fixture = repoFixture();

  await expect(
    fixture.forge.inspect({ path: fixture.folder, ...unnamed }, fixture.signal),
  ).rejects.toMatchObject({
    code: 'INVALID_REQUEST',
    remedy: `Make it one: git init ${fixture.folder}`,
  });
});

test('a path that is not there, and a file, are refused', async () => {
  using fixture = repoFixture();
  const { forge, folder, path, signal } = fixture;

  await expect(
    forge.inspect({ path: join(folder, 'nowhere'), ...unnamed }, signal),
  ).rejects.toMatchObject({ code: 'NOT_FOUND' });
  await expect(
    forge.inspect({ path: join(path, 'README.md'), ...unnamed }, signal),
  ).rejects.toMatchObject({ code: 'INVALID_REQUEST', remedy: `Give the folder: ${path}` });
});

test('a repository without a commit is refused with the command that makes one', async () => {
  using fixture = repoFixture();
  const empty = join(fixture.folder, 'empty');
  mkdirSync(empty);
  fixture.sh(['init', '--quiet'], empty);

  const refused = fixture.forge.inspect({ path: empty, ...unnamed }, fixture.signal);

  await expect(refused).rejects.toThrow('has no commits yet');
  await expect(refused).rejects.toMatchObject({
    remedy: expect.stringContaining('git -C') as unknown,
  });
});

test('a branch that is not there, or that cannot be guessed, is asked for by name', async () => {
  using fixture = repoFixture();
  const { forge, path, signal, sh } = fixture;
  const remedy = 'Name one with --branch NAME. It has: trunk';

  sh(['branch', '-m', 'main', 'trunk']);

  await expect(forge.inspect({ path, branch: 'main' }, signal)).rejects.toMatchObject({ remedy });
  await expect(forge.inspect({ path, ...unnamed }, signal)).rejects.toMatchObject({ remedy });
});
