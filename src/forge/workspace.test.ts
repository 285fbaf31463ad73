import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import { expect, test } from 'vitest';

import { repoFixture, type RepoFixture } from './local/repo-fixture.ts';
import { createWorkspace } from './workspace.ts';

async function setup(fixture: RepoFixture) {
  const mirror = join(fixture.folder, 'mirror.git');
  const folder = join(fixture.folder, 'workspaces', 'a1');
  await fixture.forge.fetchMirror(fixture.repo, mirror, fixture.signal);
  return {
    folder,
    create: (commit: string, options: { branch?: string; overlay?: Overlay } = {}) =>
      createWorkspace(
        { git: fixture.git },
        { mirror, folder, commit, branch: undefined, ...options },
        fixture.signal,
      ),
  };
}

interface Overlay {
  commit: string;
  paths: string[];
}

test('a workspace is a clean tree of its commit, on a branch of its own', async () => {
  using fixture = repoFixture();
  const { sh } = fixture;
  const old = sh(['rev-parse', 'main']);
  fixture.commit({ 'later.txt': 'later' });
  const { create, folder } = await setup(fixture);

  await create(old, { branch: 'autodev/fix' });

  expect(sh(['rev-parse', 'HEAD'], folder)).toBe(old);
  expect(sh(['branch', '--show-current'], folder)).toBe('autodev/fix');
  expect(sh(['status', '--porcelain'], folder)).toBe('');
  expect(existsSync(join(folder, 'later.txt'))).toBe(false);
});

test('a workspace has no remote, no hook and borrows the objects of the mirror', async () => {
  using fixture = repoFixture();
  const { sh } = fixture;
  const { create, folder } = await setup(fixture);

  await create(sh(['rev-parse', 'main']));

  expect(sh(['remote'], folder)).toBe('');
  expect(sh(['branch', '--show-current'], folder)).toBe('');
  expect(existsSync(join(folder, '.git/hooks'))).toBe(false);
  expect(sh(['config', 'core.hooksPath'], folder)).toBe('/dev/null');
  expect(sh(['count-objects'], folder)).toMatch(/^0 objects/);
});

test('filters, submodules and attributes of the repository do nothing', async () => {
  using fixture = repoFixture();
  const { path, sh } = fixture;
  const pointer = 'version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n';
  fixture.write('.gitattributes', '*.bin filter=lfs diff=lfs merge=lfs -text\n');
  sh(['-c', 'protocol.file.allow=always', 'submodule', '--quiet', 'add', path, 'inner']);
  const commit = fixture.commit({ 'big.bin': pointer });
  const { create, folder } = await setup(fixture);

  await create(commit);

  expect(readFileSync(join(folder, 'big.bin'), 'utf8')).toBe(pointer);
  expect(existsSync(join(folder, 'inner', 'README.md'))).toBe(false);
});

test('instructions come from another commit where that is asked for', async () => {
  using fixture = repoFixture();
  const { sh } = fixture;
  const trusted = fixture.commit({ 'AGENTS.md': 'trusted' });
  sh(['checkout', '--quiet', '-b', 'theirs']);
  const commit = fixture.commit({ 'AGENTS.md': 'evil', 'CLAUDE.md': 'evil', 'code.ts': 'code' });
  const { create, folder } = await setup(fixture);

  await create(commit, {
    overlay: { commit: trusted, paths: ['AGENTS.md', 'CLAUDE.md', '.claude'] },
  });

  expect(readFileSync(join(folder, 'AGENTS.md'), 'utf8')).toBe('trusted');
  expect(existsSync(join(folder, 'CLAUDE.md'))).toBe(false);
  expect(readFileSync(join(folder, 'code.ts'), 'utf8')).toBe('code');
});

test('a commit that the mirror does not have fails and leaves no folder', async () => {
  using fixture = repoFixture();
  const { create, folder } = await setup(fixture);

  await expect(create('a'.repeat(40))).rejects.toMatchObject({ code: 'GIT_FAILED' });
  expect(existsSync(folder)).toBe(false);
});
