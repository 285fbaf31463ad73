import { symlinkSync } from 'node:fs';
import { join } from 'node:path';

import { expect, test } from 'vitest';

import { repoFixture } from './repo-fixture.ts';

const ABSENT = 'f'.repeat(40);

test('a file is read from the commit, not from the working copy', async () => {
  using fixture = repoFixture();
  const { forge, repo, signal } = fixture;
  const commit = fixture.commit({ 'autodev.yaml': 'version: 1\r\n' });
  fixture.write('autodev.yaml', 'changed');

  const file = await forge.readFile(repo, { commit, path: 'autodev.yaml', maxBytes: 1000 }, signal);

  expect(file).toMatchObject({ mode: '100644', size: 12 });
  expect(file?.content?.toString()).toBe('version: 1\r\n');
});

test('a file above the limit has a size and no content', async () => {
  using fixture = repoFixture();
  const { forge, repo, signal } = fixture;
  const commit = fixture.commit({ 'big.yaml': 'x'.repeat(300 * 1024) });

  const file = await forge.readFile(
    repo,
    { commit, path: 'big.yaml', maxBytes: 256 * 1024 },
    signal,
  );

  expect(file).toMatchObject({ size: 300 * 1024, content: undefined });
});

test('a symbolic link is told by its mode and never followed', async () => {
  using fixture = repoFixture();
  const { forge, repo, signal, path } = fixture;
  symlinkSync('/etc/passwd', join(path, 'link'));
  const commit = fixture.commit({});

  const file = await forge.readFile(repo, { commit, path: 'link', maxBytes: 1000 }, signal);

  expect(file?.mode).toBe('120000');
  expect(file?.content?.toString()).toBe('/etc/passwd');
});

test('what is no file at the commit is absent', async () => {
  using fixture = repoFixture();
  const { forge, repo, signal, sh } = fixture;
  const commit = sh(['rev-parse', 'main']);
  const read = (path: string) => forge.readFile(repo, { commit, path, maxBytes: 1000 }, signal);

  const found = await Promise.all(
    ['nope', 'src', 'src/', '../x', '', '*', '/etc/passwd'].map(read),
  );

  expect(found).toEqual(found.map(() => undefined));
});

test('a commit or a repository that is not there is unreadable, which is not absent', async () => {
  using fixture = repoFixture();
  const { forge, repo, signal, sh } = fixture;
  const options = { commit: ABSENT, path: 'README.md', maxBytes: 1000 };
  const gone = { ...repo, location: join(fixture.folder, 'gone') };

  const unreadable = { code: 'SOURCE_UNREADABLE' };
  await expect(forge.readFile(repo, options, signal)).rejects.toMatchObject(unreadable);
  await expect(forge.readCommit(repo, ABSENT, signal)).rejects.toMatchObject(unreadable);
  await expect(
    forge.changedPaths(repo, { from: ABSENT, to: ABSENT }, signal),
  ).rejects.toMatchObject(unreadable);
  await expect(forge.readCommit(gone, sh(['rev-parse', 'main']), signal)).rejects.toMatchObject(
    unreadable,
  );
});

test('what is not a full commit id is refused before git sees it', async () => {
  using fixture = repoFixture();
  const { forge, repo, signal } = fixture;

  await expect(forge.readCommit(repo, '--all', signal)).rejects.toMatchObject({
    code: 'INVALID_REQUEST',
  });
});

test('a commit is read with its author, time and subject', async () => {
  using fixture = repoFixture();
  const { forge, repo, signal, sh } = fixture;
  const sha = fixture.commit({}, 'Tell a story\n\nWith a body.');

  const commit = await forge.readCommit(repo, sha, signal);

  expect(commit).toEqual({
    sha,
    authorName: 'Person',
    authorEmail: 'person@example.org',
    committedAt: new Date(sh(['show', '-s', '--format=%cI', sha])),
    subject: 'Tell a story',
  });
});

test('changed paths name both sides of a rename, and odd names as they are', async () => {
  using fixture = repoFixture();
  const { forge, repo, signal, sh } = fixture;
  const from = sh(['rev-parse', 'main']);
  sh(['mv', 'README.md', 'READ ME.md']);
  const odd = ['a "quoted"\tname', 'line\nbreak', 'ümläut.ts', '-dash', ':(glob)*'];
  const to = fixture.commit(Object.fromEntries(odd.map((name) => [name, name])));

  const changed = await forge.changedPaths(repo, { from, to }, signal);
  const all = await forge.changedPaths(repo, { from: undefined, to }, signal);
  const read = await Promise.all(
    odd.map((path) => forge.readFile(repo, { commit: to, path, maxBytes: 100 }, signal)),
  );

  expect(new Set(changed)).toEqual(new Set(['README.md', 'READ ME.md', ...odd]));
  expect(new Set(all)).toEqual(new Set(['READ ME.md', 'src/add.ts', ...odd]));
  expect(read.map((file) => file?.content?.toString())).toEqual(odd);
});

test('ancestry is told', async () => {
  using fixture = repoFixture();
  const { forge, repo, signal, sh } = fixture;
  const older = sh(['rev-parse', 'main']);
  const newer = fixture.commit({ 'a.txt': 'a' });

  const answers = await Promise.all([
    forge.isAncestor(repo, { ancestor: older, descendant: newer }, signal),
    forge.isAncestor(repo, { ancestor: newer, descendant: older }, signal),
    forge.isAncestor(repo, { ancestor: newer, descendant: newer }, signal),
  ]);

  expect(answers).toEqual([true, false, true]);
});
