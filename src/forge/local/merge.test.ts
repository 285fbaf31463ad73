import { chmodSync, existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';

import { expect, test } from 'vitest';

import { repoFixture, type RepoFixture } from './repo-fixture.ts';

const branch = 'autodev/fix';

function publishChange(fixture: RepoFixture): string {
  const { sh } = fixture;
  sh(['checkout', '--quiet', '-b', branch]);
  const head = fixture.commit({ 'README.md': 'one\n2\nthree\n' }, 'Work');
  sh(['checkout', '--quiet', 'main']);
  return head;
}

function merge({ forge, repo, signal }: RepoFixture, head: string) {
  return forge.merge(repo, { branch, head, message: 'Merge the fix' }, signal);
}

test('a default branch that is checked out nowhere is merged without touching the working copy', async () => {
  using fixture = repoFixture();
  const { path, sh } = fixture;
  const head = publishChange(fixture);
  sh(['checkout', '--quiet', '-b', 'mine']);
  const main = fixture.commit({}, 'Mine');
  fixture.write('README.md', 'dirty');
  const base = sh(['rev-parse', 'main']);

  const merged = await merge(fixture, head);

  expect(merged.where).toBe('refs');
  expect(sh(['rev-parse', 'main'])).toBe(merged.commit);
  expect(sh(['show', '-s', '--format=%P %cn %s', 'main'])).toBe(
    `${base} ${head} Auto-Dev Merge the fix`,
  );
  expect(sh(['rev-parse', 'HEAD'])).toBe(main);
  expect(readFileSync(join(path, 'README.md'), 'utf8')).toBe('dirty');
});

test('a clean working copy that has the default branch is merged there, untracked files stay', async () => {
  using fixture = repoFixture();
  const { path, sh } = fixture;
  const head = publishChange(fixture);
  fixture.write('untracked.txt', 'untracked');

  const merged = await merge(fixture, head);

  expect(merged).toEqual({ commit: sh(['rev-parse', 'HEAD']), where: 'working_copy' });
  expect(readFileSync(join(path, 'README.md'), 'utf8')).toBe('one\n2\nthree\n');
  expect(sh(['status', '--porcelain'])).toBe('?? untracked.txt');
  expect(sh(['show', '-s', '--format=%s %cn', 'main'])).toBe('Merge the fix Auto-Dev');
});

test('a linked worktree that has the default branch is where it is merged', async () => {
  using fixture = repoFixture();
  const { path, sh } = fixture;
  const head = publishChange(fixture);
  sh(['checkout', '--quiet', '-b', 'mine']);
  const linked = join(fixture.folder, 'linked');
  sh(['worktree', 'add', '--quiet', linked, 'main']);

  const merged = await merge(fixture, head);

  expect(merged.where).toBe('working_copy');
  expect(readFileSync(join(linked, 'README.md'), 'utf8')).toBe('one\n2\nthree\n');
  expect(readFileSync(join(path, 'README.md'), 'utf8')).toBe('one\ntwo\nthree\n');
});

test('merging twice answers the first merge', async () => {
  using fixture = repoFixture();
  const head = publishChange(fixture);

  const first = await merge(fixture, head);
  const second = await merge(fixture, head);

  expect(second.commit).toBe(first.commit);
});

test('hooks do not run', async () => {
  using fixture = repoFixture();
  const { path } = fixture;
  const head = publishChange(fixture);
  const hooks = ['pre-merge-commit', 'commit-msg', 'post-merge', 'reference-transaction'];
  for (const hook of [...hooks, 'prepare-commit-msg', 'pre-commit', 'post-index-change']) {
    fixture.write(`.git/hooks/${hook}`, `#!/bin/sh\ntouch ${path}/hook-ran\nexit 1\n`);
    chmodSync(join(path, '.git/hooks', hook), 0o755);
  }

  const merged = await merge(fixture, head);

  expect(merged.where).toBe('working_copy');
  expect(existsSync(join(path, 'hook-ran'))).toBe(false);
});

test('a dirty working copy is refused with the commands that help, and stays', async () => {
  using fixture = repoFixture();
  const { path, sh } = fixture;
  const head = publishChange(fixture);
  const main = sh(['rev-parse', 'main']);
  fixture.write('src/add.ts', 'dirty');

  await expect(merge(fixture, head)).rejects.toMatchObject({
    code: 'WORKING_COPY_DIRTY',
    remedy: `First: git -C ${path} stash\nThen approve again, or: git -C ${path} merge --no-ff ${branch}`,
  });
  expect(sh(['rev-parse', 'main'])).toBe(main);
  expect(readFileSync(join(path, 'src/add.ts'), 'utf8')).toBe('dirty');
});

test('an untracked file in the way is refused and stays', async () => {
  using fixture = repoFixture();
  const { path, sh } = fixture;
  sh(['checkout', '--quiet', '-b', branch]);
  const head = fixture.commit({ 'new.txt': 'theirs' });
  sh(['checkout', '--quiet', 'main']);
  fixture.write('new.txt', 'mine');

  await expect(merge(fixture, head)).rejects.toMatchObject({ code: 'WORKING_COPY_DIRTY' });
  expect(readFileSync(join(path, 'new.txt'), 'utf8')).toBe('mine');
  expect(existsSync(join(path, '.git/MERGE_HEAD'))).toBe(false);
});

test('a merge of the user that is under way is refused and stays', async () => {
  using fixture = repoFixture();
  const { path, sh } = fixture;
  const head = publishChange(fixture);
  sh(['checkout', '--quiet', '-b', 'other']);
  fixture.commit({ 'other.txt': 'other' });
  sh(['checkout', '--quiet', 'main']);
  sh(['merge', '--quiet', '--no-ff', '--no-commit', 'other']);

  await expect(merge(fixture, head)).rejects.toMatchObject({
    code: 'WORKING_COPY_DIRTY',
    message: `${path} has a merge under way, so nothing was merged there.`,
  });
  expect(existsSync(join(path, '.git/MERGE_HEAD'))).toBe(true);
});

test('a rebase or bisect of the default branch that is under way is refused although HEAD is detached', async () => {
  using fixture = repoFixture();
  const { path, sh } = fixture;
  const head = publishChange(fixture);
  const base = sh(['rev-parse', 'main']);
  fixture.commit({ 'a.txt': 'a' });
  const main = sh(['rev-parse', 'main']);

  sh(['-c', 'sequence.editor=echo break >', 'rebase', '--quiet', '--interactive', base]);
  await expect(merge(fixture, head)).rejects.toMatchObject({
    code: 'WORKING_COPY_DIRTY',
    remedy: expect.stringContaining(`git -C ${path} rebase --continue`) as unknown,
  });
  sh(['rebase', '--abort']);
  sh(['bisect', 'start', 'main', base]);
  sh(['checkout', '--quiet', '--detach', base]);
  await expect(merge(fixture, head)).rejects.toMatchObject({
    code: 'WORKING_COPY_DIRTY',
    remedy: expect.stringContaining(`git -C ${path} bisect reset`) as unknown,
  });

  expect(sh(['rev-parse', 'main'])).toBe(main);
});

test('a conflict names the files and leaves everything as it was', async () => {
  using fixture = repoFixture();
  const { path, sh } = fixture;
  const head = publishChange(fixture);
  const main = fixture.commit({ 'README.md': 'one\nII\nthree\n' });

  const refused = merge(fixture, head);

  await expect(refused).rejects.toMatchObject({
    code: 'CONFLICT',
    details: { files: ['README.md'] },
    remedy: `Merge by hand: git -C ${path} merge --no-ff ${branch}`,
  });
  expect(sh(['rev-parse', 'HEAD'])).toBe(main);
  expect(sh(['status', '--porcelain'])).toBe('');
});

test('a lock of another git process is told as such, and the merge can be made later', async () => {
  using fixture = repoFixture();
  const head = publishChange(fixture);
  fixture.write('.git/index.lock', '');

  await expect(merge(fixture, head)).rejects.toMatchObject({ code: 'BUSY' });
  rmSync(join(fixture.path, '.git/index.lock'));

  expect(existsSync(join(fixture.path, '.git/MERGE_HEAD'))).toBe(false);
  expect(fixture.sh(['status', '--porcelain'])).toBe('');
  expect((await merge(fixture, head)).where).toBe('working_copy');
});

test('merges at the same time all arrive', async () => {
  using fixture = repoFixture();
  const { forge, repo, signal, sh } = fixture;
  const heads = ['a', 'b', 'c'].map((name) => {
    sh(['checkout', '--quiet', '-b', `autodev/${name}`, 'main']);
    return { branch: `autodev/${name}`, head: fixture.commit({ [name]: name }) };
  });

  await Promise.all(heads.map((each) => forge.merge(repo, { ...each, message: 'M' }, signal)));

  expect(sh(['ls-tree', '--name-only', 'main']).split('\n')).toEqual(
    expect.arrayContaining(['a', 'b', 'c']),
  );
});

test('a bare repository is merged', async () => {
  using fixture = repoFixture();
  const head = publishChange(fixture);
  const bare = join(fixture.folder, 'bare.git');
  fixture.sh(['clone', '--quiet', '--bare', fixture.path, bare]);

  const merged = await fixture.forge.merge(
    { ...fixture.repo, location: bare },
    { branch, head, message: 'Merge' },
    fixture.signal,
  );

  expect(fixture.sh(['rev-parse', 'main'], bare)).toBe(merged.commit);
});
