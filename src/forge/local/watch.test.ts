import { rmSync } from 'node:fs';
import { join } from 'node:path';

import { expect, test } from 'vitest';

import { repoFixture, type RepoFixture } from './repo-fixture.ts';

/** Watches until the default branch is at what `change` answers; the milliseconds that it took. */
async function timeUntilSeen(fixture: RepoFixture, change: () => string): Promise<number> {
  const { forge, repo } = fixture;
  const stop = new AbortController();
  const seen = Promise.withResolvers<void>();
  let wanted: string | undefined;
  const look = async (): Promise<void> => {
    const heads = await forge.readHeads([repo], stop.signal);
    if (wanted !== undefined && heads.get(repo.id) === wanted) {
      seen.resolve();
    }
  };

  const watching = forge.watch(repo, () => void look(), stop.signal);
  wanted = change();
  const started = performance.now();
  await seen.promise;
  const tookMs = performance.now() - started;
  stop.abort();
  await watching;
  return tookMs;
}

test('a commit is seen within two seconds', async () => {
  using fixture = repoFixture();

  const tookMs = await timeUntilSeen(fixture, () => fixture.commit({ 'a.txt': 'a' }));

  expect(tookMs).toBeLessThan(2_000);
});

test('a commit is seen when refs were packed and their folder is gone', async () => {
  using fixture = repoFixture();
  fixture.sh(['pack-refs', '--all']);
  rmSync(join(fixture.path, '.git/refs/heads'), { recursive: true });

  const tookMs = await timeUntilSeen(fixture, () => fixture.commit({ 'a.txt': 'a' }));

  expect(tookMs).toBeLessThan(2_000);
});
