import { rmSync } from 'node:fs';
import { join } from 'node:path';

import { expect, test } from 'vitest';

import { repoFixture } from './repo-fixture.ts';

const file = 'autodev.yaml';

test('an edited, deleted or new file differs from the commit, an untouched one does not', async () => {
  using fixture = repoFixture();
  const { forge, repo, signal, sh } = fixture;
  const without = sh(['rev-parse', 'main']);
  const commit = fixture.commit({ [file]: 'version: 1\n' });
  const differs = (at: string) =>
    forge.workingCopyDiffers(repo, { commit: at, path: file }, signal);

  const untouched = await differs(commit);
  const unknownToCommit = await differs(without);
  fixture.write(file, 'version: 2\n');
  const edited = await differs(commit);
  fixture.write(file, 'version: 1\r\n');
  const otherLineEndings = await differs(commit);
  rmSync(join(fixture.path, file));
  const deleted = await differs(commit);
  const neither = await differs(without);

  expect({ untouched, otherLineEndings, neither }).toEqual({
    untouched: false,
    otherLineEndings: false,
    neither: false,
  });
  expect({ unknownToCommit, edited, deleted }).toEqual({
    unknownToCommit: true,
    edited: true,
    deleted: true,
  });
});

test('a bare repository has no working copy that could differ', async () => {
  using fixture = repoFixture();
  const { forge, repo, signal, sh } = fixture;
  const bare = join(fixture.folder, 'bare.git');
  sh(['clone', '--quiet', '--bare', fixture.path, bare]);

  const differs = await forge.workingCopyDiffers(
    { ...repo, location: bare },
    { commit: sh(['rev-parse', 'main']), path: 'README.md' },
    signal,
  );

  expect(differs).toBe(false);
});
