import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { expect, test } from 'vitest';

import type { ForgeRepo } from '../forge.ts';
import { createWorkspace } from '../workspace.ts';
import { repoFixture, type RepoFixture } from './repo-fixture.ts';

const branch = 'autodev/fix';
// `-h` ends with 129 and prints its help all the same.
const hasReftables = spawnSync('git', ['init', '-h'], { encoding: 'utf8' }).stdout.includes(
  '--ref-format',
);

/** The way of one piece of work through a repository; answers the file that the merge brought. */
async function tellStory(fixture: RepoFixture, repo: ForgeRepo = fixture.repo): Promise<string> {
  const { folder, forge, git, signal, sh } = fixture;
  const base = sh(['rev-parse', 'main'], repo.location);
  const mirror = join(folder, 'mirror.git');
  const workspace = join(folder, 'workspace');
  await forge.inspect({ path: repo.location, branch: undefined }, signal);
  await forge.fetchMirror(repo, mirror, signal);
  await createWorkspace({ git }, { mirror, folder: workspace, commit: base, branch }, signal);
  const { head, bundle } = fixture.bundle({ 'new.txt': 'new' }, base);
  await forge.publishBranch(repo, { branch, bundle: bundle(), head, expected: undefined }, signal);
  const { commit } = await forge.merge(repo, { branch, head, message: 'Merge' }, signal);
  const heads = await forge.readHeads([repo], signal);
  const outcome = await forge.observeBranch(repo, { branch, base, head }, signal);

  expect(heads.get(repo.id)).toBe(commit);
  expect(outcome).toEqual({ state: 'merged', commit, by: 'ancestor' });
  expect(readFileSync(join(workspace, 'src/add.ts'), 'utf8')).toBe('export const one = 1;\n');
  const at = { commit, path: 'new.txt', maxBytes: 10 };
  return (await forge.readFile(repo, at, signal))?.content?.toString() ?? '';
}

test('a repository with SHA-256 ids works', async () => {
  using fixture = repoFixture({ init: ['--object-format=sha256'] });

  expect(await tellStory(fixture)).toBe('new');
});

test('a repository that was cloned with a depth works', async () => {
  using fixture = repoFixture();
  fixture.commit({ 'a.txt': 'a' });
  const location = join(fixture.folder, 'shallow');
  const from = `file://${fixture.path}`;
  fixture.sh(['clone', '--quiet', '--depth=1', from, location], fixture.folder);

  expect(await tellStory(fixture, { ...fixture.repo, location })).toBe('new');
});

test.runIf(hasReftables)('a repository with reftables works', async () => {
  using fixture = repoFixture({ init: ['--ref-format=reftable'] });

  expect(await tellStory(fixture)).toBe('new');
});
