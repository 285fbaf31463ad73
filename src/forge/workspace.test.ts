import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import { expect, test } from 'vitest';

import { repoFixture, type RepoFixture } from './local/repo-fixture.ts';
import { createWorkspace, type WorkspaceOptions } from './workspace.ts';

async function setup(fixture: RepoFixture) {
  const mirror = join(fixture.folder, 'mirror.git');
  const folder = join(fixture.folder, 'workspaces', 'a1');
  await fixture.forge.fetchMirror(fixture.repo, mirror, fixture.signal);
  return {
    folder,
    create: (
      commit: string,
      options: Pick<WorkspaceOptions, 'owner'> & { branch?: string; overlay?: Overlay } = {},
    ) =>
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
    overlay: { commit: trusted, paths: ['AGENTS.md', 'CLAUDE.md'] },
  });

  expect(readFileSync(join(folder, 'AGENTS.md'), 'utf8')).toBe('trusted');
  expect(existsSync(join(folder, 'CLAUDE.md'))).toBe(false);
  expect(readFileSync(join(folder, 'code.ts'), 'utf8')).toBe('code');
});

test('the branches of the mirror can be compared with', async () => {
  using fixture = repoFixture();
  const { sh } = fixture;
  const main = sh(['rev-parse', 'main']);
  sh(['checkout', '--quiet', '-b', 'feature/one']);
  const commit = fixture.commit({ 'b.txt': 'b' });
  const { create, folder } = await setup(fixture);

  await create(commit, { branch: 'feature/one' });

  expect(sh(['rev-parse', 'origin/main', 'origin/feature/one'], folder)).toBe(`${main}\n${commit}`);
  expect(sh(['diff', '--name-only', 'origin/main...HEAD'], folder)).toBe('b.txt');
});

test.runIf(process.getuid?.() === 0)('everything in a workspace belongs to its owner', async () => {
  using fixture = repoFixture();
  const { sh } = fixture;
  const commit = fixture.commit({ 'AGENTS.md': 'one', 'deep/er/c.txt': 'c' });
  const trusted = fixture.commit({ 'AGENTS.md': 'two' });
  const { create, folder } = await setup(fixture);
  chmodSync(fixture.folder, 0o711);
  chmodSync(join(fixture.folder, 'mirror.git'), 0o755);
  const owner = { uid: 61_499, gid: 61_499 };

  await create(commit, { owner, branch: 'b', overlay: { commit: trusted, paths: ['AGENTS.md'] } });

  const foreign = ['-not', '(', '-uid', '61499', '-gid', '61499', ')'];
  expect(execFileSync('find', [folder, ...foreign], { encoding: 'utf8' })).toBe('');
  expect(sh(['diff-files', '--name-only'], folder)).toBe('');
});

test.each(['../../../config', 'a/../../b', '-x', 'a b', 'a\nb', 'x.lock', 'a//b', ''])(
  'a branch is not made of %j, which git would not take',
  async (branch) => {
    using fixture = repoFixture();
    const { create, folder } = await setup(fixture);

    await expect(create(fixture.sh(['rev-parse', 'main']), { branch })).rejects.toMatchObject({
      code: 'INVALID_REQUEST',
    });
    expect(existsSync(folder)).toBe(false);
  },
);

test('a commit that the mirror does not have fails and leaves no folder', async () => {
  using fixture = repoFixture();
  const { create, folder } = await setup(fixture);

  await expect(create('a'.repeat(40))).rejects.toMatchObject({ code: 'GIT_FAILED' });
  expect(existsSync(folder)).toBe(false);
});
