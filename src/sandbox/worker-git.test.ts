import { execFileSync } from 'node:child_process';
import { readFileSync, symlinkSync } from 'node:fs';
import { truncate } from 'node:fs/promises';
import { join } from 'node:path';

import { expect } from 'vitest';

import { test } from '../../test/boxed.ts';
import { systemClock } from '../kernel/clock.ts';
import { importBundle } from './import-bundle.ts';
import { git, openWorkspaceFixture as setup } from './workspace-fixture.ts';

const LIMITS = { bytes: 10_000_000, wallMs: 20_000, memoryBytes: 4_000_000_000 };
const never = new AbortController().signal;

test('the final tree becomes one commit on the base, whatever the worker committed', async () => {
  await using s = await setup();
  s.write('new/c.txt', 'c\n');
  s.write('a.txt', 'one\r\ntwo\r\nthree\r\n');
  execFileSync('rm', [join(s.workspace, 'b.txt')]);
  s.write('ignored.log', 'x');
  s.write('.gitignore', '*.log\n');
  git(s.workspace, 'add', '-A');
  git(s.workspace, 'commit', '-q', '-m', "the worker's own");

  const { commit, irregular } = await s.commit();
  if (!commit) {
    throw new Error('no commit');
  }
  await importBundle(
    { clock: systemClock },
    {
      ...commit,
      commit: commit.sha,
      base: s.base,
      repository: s.mirror,
      ref: 'refs/x/1',
      limits: LIMITS,
    },
    never,
  );

  expect(irregular).toEqual([]);
  expect(git(s.mirror, 'log', '--format=%H %P %an %ae %cn %ct %s', 'refs/x/1', '-1')).toBe(
    `${commit.sha} ${s.base} Auto-Dev bot@example.org Auto-Dev 1767323045 title`,
  );
  expect(git(s.mirror, 'ls-tree', '-r', '--name-only', 'refs/x/1').split('\n')).toEqual([
    '.gitignore',
    'a.txt',
    'new/c.txt',
  ]);
  expect(git(s.mirror, 'show', 'refs/x/1:a.txt')).toBe('one\r\ntwo\r\nthree');
  expect(s.changes(commit)).toEqual(['A .gitignore', 'M a.txt', 'D b.txt', 'A new/c.txt']);
});

test('an unchanged tree is no commit', async () => {
  await using s = await setup();
  git(s.workspace, 'commit', '-q', '--allow-empty', '-m', 'empty');

  expect((await s.commit()).commit).toBeUndefined();
});

test('a link out of the tree is taken as a link', async () => {
  await using s = await setup();
  symlinkSync('/etc/passwd', join(s.workspace, 'link'));
  symlinkSync('/etc', join(s.workspace, 'folder'));

  const { commit } = await s.commit();

  expect(s.changes(commit)).toEqual(['A folder', 'A link']);
  expect(git(s.mirror, 'ls-tree', `${commit?.sha}`, 'folder', 'link')).toMatch(
    /^120000 .*\tfolder\n120000 .*\tlink$/,
  );
});

test('special files and nested repositories are named and left out', async () => {
  await using s = await setup();
  execFileSync('/usr/bin/mkfifo', [join(s.workspace, 'pipe')]);
  execFileSync('rm', [join(s.workspace, 'b.txt')]);
  execFileSync('/usr/bin/mkfifo', [join(s.workspace, 'b.txt')]);
  git(s.workspace, 'init', '-q', 'nested');
  s.write('nested/x', 'x');
  s.write('gitfile/.git', 'gitdir: /tmp/elsewhere\n');
  s.write('upper/.GIT/config', '');
  s.write('.gitignore', 'ignored\n');
  git(s.workspace, 'init', '-q', 'ignored');
  s.write('kept', 'kept');

  const { irregular, commit } = await s.commit();

  expect(irregular.toSorted((x, y) => x.path.localeCompare(y.path))).toEqual([
    { path: 'b.txt', kind: 'fifo' },
    { path: 'gitfile', kind: 'nested_repository' },
    { path: 'nested', kind: 'nested_repository' },
    { path: 'pipe', kind: 'fifo' },
    { path: 'upper', kind: 'nested_repository' },
  ]);
  expect(s.changes(commit)).toEqual(['A .gitignore', 'A kept']);
});

test('a bundle that is too large, damaged, or another than announced does not arrive', async () => {
  await using s = await setup();
  s.write('c.txt', 'c\n');
  const { commit } = await s.commit();
  if (!commit) {
    throw new Error('no commit');
  }
  const request = {
    bundle: commit.bundle,
    commit: commit.sha,
    base: s.base,
    repository: s.mirror,
    ref: 'refs/x/1',
    limits: LIMITS,
  };
  const importing = (changes: Partial<typeof request>): Promise<void> =>
    importBundle({ clock: systemClock }, { ...request, ...changes }, never);

  await expect(importing({ limits: { ...LIMITS, bytes: 10 } })).rejects.toThrow('larger than 10');
  await expect(importing({ commit: s.base })).rejects.toThrow('announced');
  await expect(importing({ base: commit.sha })).rejects.toThrow('announced');
  const link = join(s.folder, 'link');
  symlinkSync(commit.bundle, link);
  await expect(importing({ bundle: link })).rejects.toThrow('cannot be opened');
  await truncate(commit.bundle, readFileSync(commit.bundle).length - 30);
  await expect(importing({})).rejects.toMatchObject({ code: 'GIT_FAILED' });

  expect(git(s.mirror, 'for-each-ref', 'refs/x')).toBe('');
});
