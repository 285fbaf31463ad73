import { expect, test } from 'vitest';

import { NEVER, startShop } from './gitlab-forge-fixture.ts';
import { changedPaths, readCommit, readFile } from './read.ts';

async function setup() {
  const shop = await startShop();
  const head = (await shop.gitlab.head(shop.project)) ?? '';
  const file = (path: string, { commit = head, maxBytes = 1000 } = {}) =>
    readFile(shop.client, shop.repo, { commit, path, maxBytes }, NEVER);
  return { ...shop, head, file };
}

test('a file is read at a commit, with its id, mode and size', async () => {
  await using shop = await setup();

  const file = await shop.file('autodev.yaml');

  expect(file).toMatchObject({ mode: '100644', size: 11 });
  expect(file?.content?.toString()).toBe('version: 1\n');
  expect(file?.blob).toMatch(/^[0-9a-f]{40}$/);
});

test('a file that is not in a readable commit is absent', async () => {
  await using shop = await setup();

  expect(await shop.file('nothing.yaml')).toBeUndefined();
});

test('a commit that is not there is unreadable, never without the file', async () => {
  await using shop = await setup();

  await expect(shop.file('autodev.yaml', { commit: '0'.repeat(40) })).rejects.toMatchObject({
    code: 'SOURCE_UNREADABLE',
  });
});

test('a file larger than was asked for comes without its content', async () => {
  await using shop = await setup();

  expect(await shop.file('README.md', { maxBytes: 3 })).toMatchObject({
    size: 14,
    content: undefined,
  });
});

test('empty files and odd names are read as they are', async () => {
  await using shop = await setup();
  const files = { 'docs/größe & co.md': 'ä\n', '.gitkeep': '' };
  const commit = await shop.gitlab.push(shop.project, { branch: 'odd', by: shop.alice, files });

  const odd = await shop.file('docs/größe & co.md', { commit });
  const empty = await shop.file('.gitkeep', { commit });

  expect(odd?.content?.toString()).toBe('ä\n');
  expect(empty?.content).toHaveLength(0);
});

test('a page that comes instead of a file is not taken for it', async () => {
  await using shop = await setup();
  shop.gitlab.faults.add({ on: '/raw', fault: { kind: 'html' } });

  await expect(shop.file('autodev.yaml')).rejects.toMatchObject({ code: 'FORGE_BAD_ANSWER' });
});

test('half a file is asked for again', async () => {
  await using shop = await setup();
  shop.gitlab.faults.add({ on: '/raw', fault: { kind: 'half' } });

  expect((await shop.file('autodev.yaml'))?.content?.toString()).toBe('version: 1\n');
});

test('a commit tells who made it and when', async () => {
  await using shop = await setup();

  const commit = await readCommit(shop.client, shop.repo, shop.head, NEVER);

  expect(commit).toMatchObject({ sha: shop.head, subject: 'Initial commit', authorName: 'Alice' });
  expect(commit.committedAt).toBeInstanceOf(Date);
});

test('changed paths are both sides of a rename; the whole tree without a start', async () => {
  await using shop = await setup();
  const to = await shop.gitlab.push(shop.project, {
    branch: 'main',
    by: shop.alice,
    files: { 'README.md': undefined, 'READ.md': 'one\ntwo\nthree\n', 'new.ts': '1\n' },
  });

  const changed = await changedPaths(shop.client, shop.repo, { from: shop.head, to }, NEVER);
  const all = await changedPaths(shop.client, shop.repo, { from: undefined, to }, NEVER);

  expect(changed.sort()).toEqual(['READ.md', 'README.md', 'new.ts']);
  expect(all.sort()).toEqual(['READ.md', 'autodev.yaml', 'new.ts']);
});

test('a comparison that GitLab cuts off is made from the two trees', async () => {
  await using shop = await setup();
  const files = Object.fromEntries(Array.from({ length: 5 }, (_, n) => [`f/${n}`, `${n}\n`]));
  const to = await shop.gitlab.push(shop.project, { branch: 'many', by: shop.alice, files });

  const changed = await changedPaths(shop.client, shop.repo, { from: shop.head, to }, NEVER, {
    maxDiffs: 5,
  });

  expect(changed).toHaveLength(5);
  expect(shop.gitlab.requests().some(({ url }) => url.includes('/tree'))).toBe(true);
});
