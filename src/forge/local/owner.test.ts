import { execFileSync } from 'node:child_process';
import { statSync } from 'node:fs';
import { join } from 'node:path';

import { expect, test } from 'vitest';

import { repoFixture } from './repo-fixture.ts';

const NOBODY = 65_534;
const isRoot = process.getuid?.() === 0;
const branch = 'autodev/fix';

test.runIf(isRoot)('root reads and writes a repository of another user as that user', async () => {
  using fixture = repoFixture();
  const { folder, forge, path, repo, signal, sh } = fixture;
  const base = sh(['rev-parse', 'main']);
  const { head, bundle } = fixture.bundle({ 'new/file.txt': 'new' });
  execFileSync('chown', ['-R', `${NOBODY}:${NOBODY}`, folder]);

  const found = await forge.inspect({ path, branch: undefined }, signal);
  await forge.fetchMirror(repo, join(folder, 'mirror.git'), signal);
  await forge.publishBranch(repo, { branch, bundle: bundle(), head, expected: undefined }, signal);
  const waiting = await forge.observeBranch(repo, { branch, base, head }, signal);
  const merged = await forge.merge(repo, { branch, head, message: 'Merge' }, signal);
  const file = await forge.readFile(
    repo,
    { commit: merged.commit, path: 'new/file.txt', maxBytes: 10 },
    signal,
  );

  expect(found).toMatchObject({ location: path, head: base });
  expect(waiting.state).toBe('open');
  expect(merged.where).toBe('working_copy');
  expect(file?.content?.toString()).toBe('new');
  expect(statSync(join(path, 'new/file.txt')).uid).toBe(NOBODY);
  expect(foreignFiles(path)).toBe('');
});

test.runIf(isRoot)('an ordinary user reads but does not write a repository of another user', () => {
  using fixture = repoFixture();
  const { folder, path, sh } = fixture;
  const head = sh(['rev-parse', 'main']);
  execFileSync('chmod', ['-R', 'a+rX', folder]);
  // In a process of its own: this one cannot stop being root.
  const script = `
    import { readFile } from '${import.meta.dirname}/read.ts';
    import { requireFolders, writerOf } from '${import.meta.dirname}/place.ts';
    import { createGit } from '${import.meta.dirname}/../git.ts';
    import { systemClock } from '${import.meta.dirname}/../../kernel/clock.ts';
    process.setgid(${NOBODY});
    process.setuid(${NOBODY});
    const git = createGit({ path: process.env.PATH, clock: systemClock });
    const at = { commit: '${head}', path: 'src/add.ts', maxBytes: 100 };
    const repo = { location: '${path}' };
    const file = await readFile({ git }, repo, at, new AbortController().signal);
    console.log(file.content.toString().trim());
    try {
      writerOf(requireFolders('${path}'));
    } catch (error) {
      console.log(error.code, error.remedy);
    }`;

  const printed = execFileSync(process.execPath, ['--input-type=module', '-e', script], {
    cwd: '/',
    encoding: 'utf8',
  });

  expect(printed.trim().split('\n')).toEqual([
    'export const one = 1;',
    `FORBIDDEN Run Auto-Dev as that user, or: sudo chown -R ${NOBODY} ${path}`,
  ]);
});

function foreignFiles(path: string): string {
  return execFileSync('find', [path, '!', '-uid', String(NOBODY)], { encoding: 'utf8' });
}
