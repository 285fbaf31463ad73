import { join } from 'node:path';

import { expect, test } from 'vitest';

import { repoFixture } from './repo-fixture.ts';

test('work goes from a mirror to a branch to the default branch and is seen as merged', async () => {
  using fixture = repoFixture();
  const { forge, repo, signal, sh } = fixture;
  const base = sh(['rev-parse', 'main']);
  sh(['checkout', '--quiet', '--detach']);
  await forge.fetchMirror(repo, join(fixture.folder, 'mirror.git'), signal);
  const { head, bundle } = fixture.bundle({ 'src/add.ts': 'export const one = 2;\n' });

  const published = await forge.publishBranch(
    repo,
    { branch: 'autodev/fix', bundle: bundle(), head, expected: undefined },
    signal,
  );
  const waiting = await forge.observeBranch(repo, { branch: 'autodev/fix', base, head }, signal);
  const merged = await forge.merge(
    repo,
    { branch: 'autodev/fix', head, message: 'Merge the fix' },
    signal,
  );
  const seen = await forge.observeBranch(repo, { branch: 'autodev/fix', base, head }, signal);
  await forge.deleteBranch(repo, { branch: 'autodev/fix', head }, signal);
  const heads = await forge.readHeads([repo], signal);

  expect(published).toEqual({ branch: 'autodev/fix', head, note: undefined });
  expect(waiting).toEqual({ state: 'open', head });
  expect(merged.where).toBe('refs');
  expect(seen).toEqual({ state: 'merged', commit: merged.commit, by: 'ancestor' });
  expect(heads.get(1)).toBe(merged.commit);
  expect(sh(['for-each-ref', '--format=%(refname)'])).toBe('refs/heads/main');
  expect(sh(['show', 'main:src/add.ts'])).toBe('export const one = 2;');
});
