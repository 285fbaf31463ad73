import { expect, test } from 'vitest';

import { repoFixture, type RepoFixture } from './repo-fixture.ts';

const branch = 'autodev/fix';

/** Publishes one commit on `autodev/fix` that changes a line of README.md. */
async function publish(fixture: RepoFixture): Promise<{ base: string; head: string }> {
  const base = fixture.sh(['rev-parse', 'main']);
  const { head, bundle } = fixture.bundle({ 'README.md': 'one\n2\nthree\n' });
  await fixture.forge.publishBranch(
    fixture.repo,
    { branch, bundle: bundle(), head, expected: undefined },
    fixture.signal,
  );
  return { base, head };
}

function observe(fixture: RepoFixture, at: { base: string; head: string }) {
  return fixture.forge.observeBranch(fixture.repo, { branch, ...at }, fixture.signal);
}

test('a branch that nobody merged is open, also when the default branch goes on', async () => {
  using fixture = repoFixture();
  const at = await publish(fixture);
  fixture.commit({ 'other.txt': 'other' });

  expect(await observe(fixture, at)).toEqual({ state: 'open', head: at.head });
});

test('a merge by a person is seen', async () => {
  using fixture = repoFixture();
  const at = await publish(fixture);
  fixture.commit({ 'other.txt': 'other' });

  fixture.sh(['merge', '--quiet', '--no-ff', '--no-edit', branch]);

  const commit = fixture.sh(['rev-parse', 'main']);
  expect(await observe(fixture, at)).toEqual({ state: 'merged', commit, by: 'ancestor' });
});

test('the merge commit is named when the default branch went on, and commits were added before it', async () => {
  using fixture = repoFixture();
  const at = await publish(fixture);
  const { sh } = fixture;
  sh(['checkout', '--quiet', branch]);
  fixture.commit({ 'more.txt': 'more' });
  sh(['checkout', '--quiet', 'main']);

  sh(['merge', '--quiet', '--no-ff', '--no-edit', branch]);
  const commit = sh(['rev-parse', 'main']);
  fixture.commit({ 'after.txt': 'after' });

  expect(await observe(fixture, at)).toEqual({ state: 'merged', commit, by: 'ancestor' });
});

test('a fast-forward is seen, also after the branch was deleted', async () => {
  using fixture = repoFixture();
  const at = await publish(fixture);

  fixture.sh(['merge', '--quiet', '--ff-only', branch]);
  fixture.sh(['branch', '--quiet', '-d', branch]);
  fixture.commit({ 'after.txt': 'after' });

  expect(await observe(fixture, at)).toEqual({
    state: 'merged',
    commit: at.head,
    by: 'ancestor',
  });
});

test('a squash is seen, with commits of others before and after it', async () => {
  using fixture = repoFixture();
  const at = await publish(fixture);
  fixture.commit({ 'before.txt': 'before' });

  fixture.sh(['merge', '--quiet', '--squash', branch]);
  const commit = fixture.commit({}, 'Squashed');
  fixture.commit({ 'after.txt': 'after' });

  expect(await observe(fixture, at)).toEqual({ state: 'merged', commit, by: 'squash' });
});

test('a squash is seen after the branch was deleted', async () => {
  using fixture = repoFixture();
  const at = await publish(fixture);

  fixture.sh(['merge', '--quiet', '--squash', branch]);
  fixture.commit({}, 'Squashed');
  fixture.sh(['branch', '--quiet', '-D', branch]);

  expect(await observe(fixture, at)).toMatchObject({ state: 'merged', by: 'squash' });
});

test('a rebase merge of several commits is seen', async () => {
  using fixture = repoFixture();
  const at = await publish(fixture);
  const { sh } = fixture;
  sh(['checkout', '--quiet', branch]);
  fixture.commit({ 'more.txt': 'more' });
  sh(['checkout', '--quiet', 'main']);
  fixture.commit({ 'other.txt': 'other' });

  sh(['cherry-pick', `${at.base}..${branch}`]);

  expect(await observe(fixture, at)).toMatchObject({ state: 'merged', by: 'squash' });
});

test('commits of a person on the branch keep it open with their head', async () => {
  using fixture = repoFixture();
  const at = await publish(fixture);
  fixture.sh(['checkout', '--quiet', branch]);

  const head = fixture.commit({ 'more.txt': 'more' });

  expect(await observe(fixture, at)).toEqual({ state: 'open', head });
});

test('a branch that a person amended and squashed is seen as merged', async () => {
  using fixture = repoFixture();
  const at = await publish(fixture);
  const { sh } = fixture;
  sh(['checkout', '--quiet', branch]);
  fixture.write('README.md', 'one\nzwei\nthree\n');
  sh(['commit', '--quiet', '-a', '--amend', '-m', 'Amended']);
  sh(['checkout', '--quiet', 'main']);
  fixture.commit({ 'other.txt': 'other' });

  sh(['merge', '--quiet', '--squash', branch]);
  const commit = fixture.commit({}, 'Squashed');

  expect(await observe(fixture, at)).toEqual({ state: 'merged', commit, by: 'squash' });
});

test('a branch that was set back to the default branch is not merged', async () => {
  using fixture = repoFixture();
  const at = await publish(fixture);
  const main = fixture.commit({ 'other.txt': 'other' });

  fixture.sh(['branch', '--quiet', '--force', branch, 'main']);

  expect(await observe(fixture, at)).toEqual({ state: 'open', head: main });
});

test('a branch without a change of its own is never merged', async () => {
  using fixture = repoFixture();
  const base = fixture.sh(['rev-parse', 'main']);
  fixture.sh(['branch', branch]);
  fixture.commit({ 'other.txt': 'other' });

  expect(await observe(fixture, { base, head: base })).toEqual({ state: 'open', head: base });
});

test('an empty commit is not found in other empty commits', async () => {
  using fixture = repoFixture();
  const base = fixture.sh(['rev-parse', 'main']);
  fixture.sh(['checkout', '--quiet', '-b', branch]);
  const head = fixture.commit({});
  fixture.sh(['checkout', '--quiet', 'main']);
  fixture.commit({}, 'Also empty');

  expect(await observe(fixture, { base, head })).toEqual({ state: 'open', head });
});

test('another change of the same binary file is not a squash of ours', async () => {
  using fixture = repoFixture();
  fixture.commit({ 'image.bin': '\0old' });
  const base = fixture.sh(['rev-parse', 'main']);
  fixture.sh(['checkout', '--quiet', '-b', branch]);
  const head = fixture.commit({ 'image.bin': '\0ours' });
  fixture.sh(['checkout', '--quiet', 'main']);
  fixture.commit({ 'image.bin': '\0theirs' });

  const other = await observe(fixture, { base, head });
  fixture.sh(['reset', '--quiet', '--hard', base]);
  fixture.sh(['merge', '--quiet', '--squash', branch]);
  fixture.commit({}, 'Squashed');
  const same = await observe(fixture, { base, head });

  expect([other.state, same.state]).toEqual(['open', 'merged']);
});

test('a branch that was deleted unmerged is closed, also when its commits are gone', async () => {
  using fixture = repoFixture();
  const at = await publish(fixture);

  fixture.sh(['branch', '--quiet', '-D', branch]);
  const deleted = await observe(fixture, at);
  fixture.commit({ 'other.txt': 'other' });
  const later = await observe(fixture, at);
  fixture.sh(['reflog', 'expire', '--expire=now', '--all']);
  fixture.sh(['gc', '--quiet', '--prune=now']);
  fixture.commit({ 'more.txt': 'more' });
  const pruned = await observe(fixture, at);

  expect([deleted.state, later.state, pruned.state]).toEqual(['closed', 'closed', 'closed']);
});

test('a default branch that is gone is unreadable', async () => {
  using fixture = repoFixture();
  const at = await publish(fixture);

  fixture.sh(['branch', '-m', 'main', 'trunk']);

  await expect(observe(fixture, at)).rejects.toMatchObject({ code: 'SOURCE_UNREADABLE' });
});
