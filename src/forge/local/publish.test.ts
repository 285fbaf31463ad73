import { chmodSync, existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';

import { expect, test } from 'vitest';

import { repoFixture, type RepoFixture } from './repo-fixture.ts';

const branch = 'autodev/fix';
const change = { 'src/add.ts': 'export const one = 2;\n' };

function publish(
  { forge, repo, signal }: RepoFixture,
  work: { head: string; bundle: () => Readable },
  options: { branch?: string; expected?: string } = {},
) {
  const target = { branch, expected: undefined, ...options };
  return forge.publishBranch(repo, { ...target, head: work.head, bundle: work.bundle() }, signal);
}

test('the working tree, index, HEAD, reflogs and other refs stay as they are', async () => {
  using fixture = repoFixture();
  const { path, sh } = fixture;
  fixture.write('README.md', 'dirty');
  fixture.write('staged.txt', 'staged');
  sh(['add', 'staged.txt']);
  const look = () => [
    readFileSync(join(path, '.git/index')).toString('base64'),
    readFileSync(join(path, '.git/HEAD'), 'utf8'),
    readFileSync(join(path, '.git/logs/HEAD'), 'utf8'),
    readFileSync(join(path, 'README.md'), 'utf8'),
    existsSync(join(path, '.git/FETCH_HEAD')),
    existsSync(join(path, '.git/logs/refs/heads/autodev')),
  ];
  const before = look();
  const work = fixture.bundle(change);

  await publish(fixture, work);

  expect(look()).toEqual(before);
  expect(sh(['for-each-ref', '--format=%(refname)'])).toBe(
    'refs/heads/autodev/fix\nrefs/heads/main',
  );
  expect(sh(['rev-parse', branch])).toBe(work.head);
  expect(readdirSync(fixture.folder).filter((name) => name.includes('publish'))).toEqual([]);
});

test('hooks of the repository do not run', async () => {
  using fixture = repoFixture();
  const { path } = fixture;
  for (const hook of ['reference-transaction', 'post-update', 'update', 'pre-receive']) {
    fixture.write(`.git/hooks/${hook}`, `#!/bin/sh\ntouch ${path}/hook-ran\nexit 1\n`);
    chmodSync(join(path, '.git/hooks', hook), 0o755);
  }

  const published = await publish(fixture, fixture.bundle(change));

  expect(published.branch).toBe(branch);
  expect(existsSync(join(path, 'hook-ran'))).toBe(false);
});

test('publishing the same work twice is the same as once', async () => {
  using fixture = repoFixture();
  const work = fixture.bundle(change);

  const first = await publish(fixture, work);
  const second = await publish(fixture, work);

  expect(second).toEqual(first);
});

test('the branch moves on from the head that was expected', async () => {
  using fixture = repoFixture();
  const first = fixture.bundle(change);
  await publish(fixture, first);
  const second = fixture.bundle({ 'more.txt': 'more' }, first.head);

  await publish(fixture, second, { expected: first.head });

  expect(fixture.sh(['rev-parse', branch])).toBe(second.head);
});

test('a branch that a person moved is left alone', async () => {
  using fixture = repoFixture();
  const first = fixture.bundle(change);
  await publish(fixture, first);
  const { sh } = fixture;
  sh(['checkout', '--quiet', branch]);
  const theirs = fixture.commit({ 'theirs.txt': 'theirs' });
  sh(['checkout', '--quiet', 'main']);
  const second = fixture.bundle({ 'more.txt': 'more' }, first.head);
  sh(['checkout', '--quiet', branch]);

  await expect(publish(fixture, second, { expected: first.head })).rejects.toMatchObject({
    code: 'BRANCH_MOVED',
  });
  sh(['checkout', '--quiet', 'main']);
  await expect(publish(fixture, second)).rejects.toMatchObject({ code: 'BRANCH_MOVED' });
  expect(sh(['rev-parse', branch])).toBe(theirs);
});

test('a branch that is checked out somewhere is left alone, and the note says where', async () => {
  using fixture = repoFixture();
  const first = fixture.bundle(change);
  await publish(fixture, first);
  const linked = join(fixture.folder, 'linked');
  fixture.sh(['worktree', 'add', '--quiet', linked, branch]);
  const second = fixture.bundle({ 'more.txt': 'more' }, first.head);

  const published = await publish(fixture, second, { expected: first.head });

  expect(published).toMatchObject({ branch: 'autodev/fix-2', head: second.head });
  expect(published.note).toContain(`autodev/fix is checked out in ${linked}`);
  expect(fixture.sh(['rev-parse', 'HEAD'], linked)).toBe(first.head);
});

test('only plain names below autodev/ are written', async () => {
  using fixture = repoFixture();
  const work = fixture.bundle(change);
  const names = ['main', 'autodev', 'autodev/', 'autodev/../main', 'autodev/a b', 'autodev/-x'];

  for (const name of [...names, 'autodev/x.lock', 'autodev/x..y', 'refs/heads/autodev/x']) {
    await expect(publish(fixture, work, { branch: name })).rejects.toMatchObject({
      code: 'INVALID_REQUEST',
    });
  }
});

test('a branch of the user called autodev is named as what is in the way', async () => {
  using fixture = repoFixture();
  fixture.sh(['branch', 'autodev']);

  await expect(publish(fixture, fixture.bundle(change))).rejects.toMatchObject({
    code: 'CONFLICT',
    remedy: 'Rename the branch: git branch -m autodev autodev-mine',
  });
});

test('a bundle that is broken or brings another commit is refused', async () => {
  using fixture = repoFixture();
  const { sh } = fixture;
  const work = fixture.bundle(change);
  const refs = () => sh(['for-each-ref', '--format=%(refname)']);
  const broken = { head: work.head, bundle: () => Readable.from([Buffer.from('no bundle')]) };
  const other = { head: 'a'.repeat(40), bundle: work.bundle };

  await expect(publish(fixture, broken)).rejects.toMatchObject({ code: 'PATCH_REFUSED' });
  await expect(publish(fixture, other)).rejects.toMatchObject({ code: 'PATCH_REFUSED' });
  expect(refs()).toBe('refs/heads/main');
});

test('a bundle above the limit is refused and nothing of it stays', async () => {
  using fixture = repoFixture();
  const work = { head: 'a'.repeat(40), bundle: () => Readable.from([Buffer.alloc(2_000_000)]) };

  await expect(publish(fixture, work)).rejects.toMatchObject({ code: 'TOO_LARGE' });
  expect(readdirSync(fixture.folder).filter((name) => name.includes('publish'))).toEqual([]);
});

test('a commit with a path into .git is refused by the check of its objects', async () => {
  using fixture = repoFixture();
  const { sh } = fixture;
  const evil = fixture.bundleTree('.git/config', 'bad');

  await expect(publish(fixture, evil)).rejects.toMatchObject({ code: 'PATCH_REFUSED' });
  expect(sh(['for-each-ref', '--format=%(refname)'])).toBe('refs/heads/main');
});

test('a branch that did not move since is deleted, every other one stays', async () => {
  using fixture = repoFixture();
  const { forge, repo, signal, sh } = fixture;
  const work = fixture.bundle(change);
  const names = ['autodev/done', 'autodev/moved', 'autodev/busy'];
  for (const name of names) {
    await publish(fixture, work, { branch: name });
  }
  sh(['update-ref', 'refs/heads/autodev/moved', 'main']);
  sh(['worktree', 'add', '--quiet', join(fixture.folder, 'linked'), 'autodev/busy']);

  for (const name of [...names, 'autodev/never-was']) {
    await forge.deleteBranch(repo, { branch: name, head: work.head }, signal);
  }

  expect(sh(['for-each-ref', '--format=%(refname:short)', 'refs/heads/autodev'])).toBe(
    'autodev/busy\nautodev/moved',
  );
});
