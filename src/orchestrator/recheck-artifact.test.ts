import { expect, test } from 'vitest';

import type { Artifact } from '../db/artifacts.ts';
import type { PatchEntry } from '../domain/patch-check.ts';
import type { Allow } from '../domain/spec.ts';
import { createRecheck } from './recheck-artifact.ts';

const ARTIFACT: Artifact = {
  id: 1,
  jobId: 1,
  attempt: 1,
  repoId: 1,
  base: 'a'.repeat(40),
  head: 'b'.repeat(40),
  stat: { files: 1, added: 1, removed: 0, paths: ['src/a.ts'] },
  diff: '',
  bundle: Buffer.from(''),
};
const REPO = { id: 1, path: 'repo', forge: 'local', location: '/repo', branch: 'main' } as const;
const ALLOWED: Allow = { merge_request: { max: 1 } };

function entry(path: string, change: Partial<PatchEntry> = {}): PatchEntry {
  return {
    path,
    status: 'M',
    oldMode: '100644',
    newMode: '100644',
    size: 10,
    binary: false,
    addedLines: ['export {};'],
    ...change,
  };
}

function recheck(
  entries: readonly PatchEntry[],
  ...allows: readonly Allow[]
): Promise<readonly string[]> {
  const check = createRecheck({
    inspect: async () => ({ entries, treePaths: [] }),
    matches: (glob, path) => glob === path,
  });
  return check(
    REPO,
    ARTIFACT,
    allows.length === 0 ? [ALLOWED] : allows,
    new AbortController().signal,
  );
}

test('a change that is what it says may leave', async () => {
  expect(await recheck([entry('src/a.ts')])).toEqual([]);
});

test('what the bundle holds counts, not what its row says', async () => {
  const [protectedFile, untold] = await recheck([entry('src/a.ts'), entry('autodev.yaml')]);

  expect(protectedFile).toContain('autodev.yaml is protected');
  expect(untold).toBe('It changes autodev.yaml, which its description does not say.');
});

test('a symbolic link, a change that is too large and one of nothing are refused', async () => {
  expect((await recheck([entry('src/a.ts', { newMode: '120000' })]))[0]).toContain('symbolic link');
  expect((await recheck([entry('src/a.ts', { size: 1e6 })]))[0]).toContain('524288 are allowed');
  expect(await recheck([])).toEqual(['It changes no file.']);
});

test('of the rules of the attempt and those of today the stricter wins, whichever it is', async () => {
  const narrow: Allow = { merge_request: { max: 1, paths: ['docs/a.md'] } };
  const change = [entry('src/a.ts')];

  const [now, then] = [
    await recheck(change, ALLOWED, narrow),
    await recheck(change, narrow, ALLOWED),
  ];

  expect(now).toEqual(then);
  expect(now).toHaveLength(1);
  expect(await recheck(change, narrow, narrow)).toHaveLength(1);
  expect((await recheck(change, ALLOWED, {}))[0]).toContain('allow.merge_request');
});

test('an agent that may open no merge request is refused', async () => {
  expect((await recheck([entry('src/a.ts')], {}))[0]).toContain('allow.merge_request');
});
