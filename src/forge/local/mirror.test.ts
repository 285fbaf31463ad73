import { readdirSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { expect, test } from 'vitest';

import { systemClock } from '../../kernel/clock.ts';
import { createLocalForge } from './forge.ts';
import { repoFixture, type RepoFixture } from './repo-fixture.ts';

function setup(fixture: RepoFixture) {
  const mirror = join(fixture.folder, 'mirror.git');
  return {
    mirror,
    fetch: () => fixture.forge.fetchMirror(fixture.repo, mirror, fixture.signal),
    refs: () => fixture.sh(['for-each-ref', '--format=%(refname)'], mirror).split('\n'),
  };
}

test('a mirror holds the branches and follows them, deletions included, and keeps refs of our own', async () => {
  using fixture = repoFixture();
  const { fetch, mirror, refs } = setup(fixture);
  const { sh } = fixture;
  sh(['tag', 'v1']);
  sh(['branch', 'feature']);
  await fetch();
  const before = refs();

  const head = fixture.commit({ 'a.txt': 'a' });
  sh(['branch', '-D', 'feature']);
  sh(['update-ref', 'refs/autodev/kept', 'main'], mirror);
  await fetch();

  expect(before).toEqual(['refs/heads/feature', 'refs/heads/main']);
  expect(refs()).toEqual(['refs/autodev/kept', 'refs/heads/main']);
  expect(sh(['rev-parse', 'main'], mirror)).toBe(head);
  expect(sh(['config', 'gc.auto'], mirror)).toBe('0');
});

test('a rewritten default branch is followed', async () => {
  using fixture = repoFixture();
  const { fetch, mirror } = setup(fixture);
  fixture.commit({ 'a.txt': 'a' });
  await fetch();

  fixture.sh(['reset', '--quiet', '--hard', 'HEAD~1']);
  const head = fixture.commit({ 'b.txt': 'b' });
  await fetch();

  expect(fixture.sh(['rev-parse', 'main'], mirror)).toBe(head);
});

test('callers at the same time, also in other processes, all succeed', async () => {
  using fixture = repoFixture();
  const { mirror, refs } = setup(fixture);
  const forges = Array.from({ length: 3 }, () =>
    createLocalForge({
      git: fixture.git,
      clock: systemClock,
      scratch: fixture.folder,
      identity: { name: 'Auto-Dev', email: 'autodev@localhost' },
    }),
  );
  const fetchAll = () =>
    Promise.all(
      [...forges, ...forges].map((forge) =>
        forge.fetchMirror(fixture.repo, mirror, fixture.signal),
      ),
    );

  await fetchAll();
  const head = fixture.commit({ 'a.txt': 'a' });
  await fetchAll();

  expect(refs()).toEqual(['refs/heads/main']);
  expect(fixture.sh(['rev-parse', 'main'], mirror)).toBe(head);
  expect(readdirSync(fixture.folder).filter((name) => name.startsWith('mirror'))).toEqual([
    'mirror.git',
  ]);
});

const damages: Record<string, (mirror: string) => void> = {
  'objects that are gone': (mirror) => rmSync(join(mirror, 'objects'), { recursive: true }),
  'a HEAD that is gone': (mirror) => rmSync(join(mirror, 'HEAD')),
  'a settings file that is garbage': (mirror) => writeFileSync(join(mirror, 'config'), '[['),
  'empty objects': (mirror) => {
    for (const entry of readdirSync(join(mirror, 'objects'), {
      recursive: true,
      withFileTypes: true,
    })) {
      if (entry.isFile()) {
        truncateSync(join(entry.parentPath, entry.name), 0);
      }
    }
  },
};

for (const [damage, harm] of Object.entries(damages)) {
  test(`a mirror with ${damage} is rebuilt`, async () => {
    using fixture = repoFixture();
    const { fetch, mirror } = setup(fixture);
    await fetch();

    harm(mirror);
    await fetch();

    expect(fixture.sh(['fsck', '--connectivity-only'], mirror)).toBe('');
    expect(fixture.sh(['show', 'main:src/add.ts'], mirror)).toBe('export const one = 1;');
  });
}

test('a source that cannot be read leaves the mirror as it is', async () => {
  using fixture = repoFixture();
  const { fetch, mirror } = setup(fixture);
  await fetch();
  rmSync(join(fixture.path, '.git/objects'), { recursive: true });

  await expect(fetch()).rejects.toMatchObject({ retryable: true });

  expect(fixture.sh(['show', 'main:src/add.ts'], mirror)).toBe('export const one = 1;');
});

test('a fetch that is stopped ends, and the next one succeeds', async () => {
  using fixture = repoFixture();
  const { fetch, mirror } = setup(fixture);

  await expect(
    fixture.forge.fetchMirror(fixture.repo, mirror, AbortSignal.abort()),
  ).rejects.toMatchObject({ code: 'UNAVAILABLE' });
  await fetch();

  expect(fixture.sh(['rev-parse', 'main'], mirror)).toBe(fixture.sh(['rev-parse', 'main']));
});
