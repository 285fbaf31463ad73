import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { expect, test } from 'vitest';

import { systemClock } from '../kernel/clock.ts';
import { createGit } from './git.ts';
import { repoFixture } from './local/repo-fixture.ts';

test('settings of the user and variables of our own environment have no say', async () => {
  using fixture = repoFixture();
  writeFileSync(join(fixture.folder, '.gitconfig'), '[user]\n\tname = Somebody\n');
  process.env['GIT_DIR'] = '/nowhere';

  try {
    const place = { cwd: fixture.path };
    const options = { answers: [0, 1] };
    const name = await fixture.git.text(place, ['config', 'user.name'], fixture.signal, options);
    const dir = await fixture.git.text(place, ['rev-parse', '--git-dir'], fixture.signal);

    expect({ name, dir }).toEqual({ name: '', dir: '.git' });
  } finally {
    delete process.env['GIT_DIR'];
  }
});

test('a failure carries what git said and its exit code', async () => {
  using fixture = repoFixture();

  await expect(
    fixture.git.run({ cwd: fixture.path }, ['rev-parse', '--verify', 'nope'], fixture.signal),
  ).rejects.toMatchObject({
    code: 'GIT_FAILED',
    message: `git rev-parse failed in ${fixture.path}: fatal: Needed a single revision`,
    details: { code: 128 },
  });
});

test('a process that takes too long, prints too much or is stopped ends with its own code', async () => {
  using fixture = repoFixture();
  const place = { cwd: fixture.path };
  const { git, signal } = fixture;
  const stop = new AbortController();
  const waiting = ['cat-file', '--batch'];

  const ends = [
    git.run(place, waiting, signal, { timeoutMs: 200 }),
    git.run(place, ['cat-file', 'blob', 'main:README.md'], signal, { maxBytes: 4 }),
    git.run(place, waiting, stop.signal),
  ];
  stop.abort();
  const results = await Promise.allSettled(ends);

  expect(results.map((result) => result.status === 'rejected' && result.reason)).toMatchObject([
    { code: 'TIMEOUT' },
    { code: 'TOO_LARGE' },
    { code: 'UNAVAILABLE' },
  ]);
});

test('a folder that is gone and a git that is not installed say what to do', async () => {
  using fixture = repoFixture();
  const { folder, path, git, signal } = fixture;
  const none = createGit({ path: join(folder, 'nothing'), clock: systemClock });

  await expect(git.run({ cwd: join(folder, 'gone') }, ['status'], signal)).rejects.toMatchObject({
    code: 'SOURCE_UNREADABLE',
  });
  await expect(none.run({ cwd: path }, ['status'], signal)).rejects.toMatchObject({
    code: 'UNAVAILABLE',
    remedy: expect.stringContaining('Install git') as unknown,
  });
  await expect(none.pipe({ cwd: path }, ['log'], ['patch-id'], signal)).rejects.toMatchObject({
    code: 'UNAVAILABLE',
  });
});

test('output flows from one git to the next, and the first one that fails is told', async () => {
  using fixture = repoFixture();
  const place = { cwd: fixture.path };
  const { git, signal } = fixture;

  const ids = await git.pipe(place, ['log', '-p', '--root'], ['patch-id', '--stable'], signal);

  expect(ids).toMatch(/^[0-9a-f]{40} [0-9a-f]{40}\n$/);
  await expect(
    git.pipe(place, ['log', 'nope'], ['patch-id', '--stable'], signal),
  ).rejects.toMatchObject({
    code: 'GIT_FAILED',
    message: expect.stringContaining('nope') as unknown,
  });
});
