import { expect, test } from 'vitest';

import type { GitlabOptions } from '../../../test/gitlab/gitlab.ts';
import { systemClock } from '../../kernel/clock.ts';
import { silentLog } from '../../kernel/log.ts';
import { createGitlabForge } from './forge.ts';
import { NEVER, startShop } from './gitlab-forge-fixture.ts';
import {
  closeMergeRequest,
  getMergeRequest,
  listCommitEmails,
  listVersions,
  openMergeRequest,
} from './merge-requests.ts';

const BRANCH = 'autodev/fix';

async function setup(options: Partial<GitlabOptions> = {}) {
  const shop = await startShop(options);
  const forge = createGitlabForge(
    {
      client: shop.client,
      git: shop.git,
      clock: systemClock,
      log: silentLog,
      scratch: shop.folder,
      mirrors: shop.folder,
    },
    { matches: () => true },
  );
  const open = (more: Partial<Parameters<typeof openMergeRequest>[2]> = {}) =>
    openMergeRequest(
      forge,
      shop.repo,
      {
        branch: BRANCH,
        title: 'Fix rounding',
        description: 'Because.',
        labels: ['autodev::builder'],
        reviewers: ['alice', 'nobody'],
        draft: false,
        ...more,
      },
      NEVER,
    );
  return {
    ...shop,
    forge,
    open,
    async opened(files: Record<string, string> = { 'src/fix.ts': 'fixed\n' }) {
      const work = shop.work(files);
      await forge.publishBranch(
        shop.repo,
        { branch: BRANCH, head: work.head, bundle: work.bundle(), expected: undefined },
        NEVER,
      );
      return { ...work, request: await open() };
    },
    observe: (head: string) =>
      forge.observeBranch(shop.repo, { branch: BRANCH, base: head, head }, NEVER),
    merge: (head: string) =>
      forge.merge(shop.repo, { branch: BRANCH, head, message: 'Merge it' }, NEVER),
  };
}

test('a merge request is opened with its words, labels and reviewers', async () => {
  await using shop = await setup();

  const { head, request } = await shop.opened();

  expect(request).toMatchObject({
    number: 1,
    state: 'opened',
    title: 'Fix rounding',
    description: 'Because.',
    labels: ['autodev::builder'],
    reviewers: [{ username: 'alice' }],
    author: { username: 'autodev-bot' },
    head,
    draft: false,
    isFork: false,
  });
});

test('opened again it is the same one, with the new words and what people did to it', async () => {
  await using shop = await setup();
  await shop.opened();
  const [there] = shop.gitlab.state.mergeRequests;
  if (!there) {
    throw new Error('no merge request');
  }
  await shop.gitlab.as(shop.alice).label(there, 'urgent');

  const again = await shop.open({
    title: 'Fix rounding, again',
    labels: ['autodev::builder', 'x'],
  });

  expect(again).toMatchObject({ number: 1, title: 'Fix rounding, again' });
  expect([...again.labels].sort()).toEqual(['autodev::builder', 'urgent', 'x']);
});

test('a merge request whose answer was lost is found, not opened twice', async () => {
  await using shop = await setup();
  shop.gitlab.faults.add({ on: /^POST .*merge_requests$/, fault: { kind: 'reset', after: true } });

  const { request } = await shop.opened();

  expect(request.number).toBe(1);
  expect(shop.gitlab.state.mergeRequests).toHaveLength(1);
});

test("somebody's fork with a branch of the same name is not ours", async () => {
  await using shop = await setup();
  const fork = await shop.gitlab.fork(shop.project, 'eve/shop', shop.guest);
  await shop.gitlab.push(fork, { branch: BRANCH, by: shop.guest, files: { a: '1' } });
  shop.gitlab.addMember(shop.project, shop.guest, 'developer');
  await shop.gitlab
    .as(shop.guest)
    .openMergeRequest(shop.project, { source: BRANCH, title: 'Mine', from: fork });

  const { head, request } = await shop.opened();

  expect(request.number).toBe(2);
  expect(await shop.observe(head)).toEqual({ state: 'open', head });
});

test.each(['merge', 'ff'] as const)('an approved head is merged once (%s)', async (method) => {
  await using shop = await setup();
  shop.project.settings.mergeMethod = method;
  shop.gitlab.addMember(shop.project, shop.bot, 'maintainer');
  const { head } = await shop.opened();

  const first = await shop.merge(head);
  const second = await shop.merge(head);

  expect(first.where).toBe('forge');
  expect(second).toEqual(first);
  expect(await shop.gitlab.head(shop.project)).toBe(first.commit);
  expect(await shop.observe(head)).toMatchObject({ state: 'merged', commit: first.commit });
});

test('a merge whose answer was lost is seen, not tried again', async () => {
  await using shop = await setup();
  shop.gitlab.addMember(shop.project, shop.bot, 'maintainer');
  const { head } = await shop.opened();
  shop.gitlab.faults.add({ on: /^PUT .*\/merge$/, fault: { kind: 'reset', after: true } });

  const { commit } = await shop.merge(head);

  expect(await shop.gitlab.head(shop.project)).toBe(commit);
  const merges = shop.gitlab.requests().filter(({ url }) => url.endsWith('/merge'));
  expect(merges).toHaveLength(1);
});

test('a head that moved since it was approved is not merged', async () => {
  await using shop = await setup();
  const { head } = await shop.opened();
  const moved = await shop.gitlab.push(shop.project, {
    branch: BRANCH,
    by: shop.alice,
    files: { 'evil.ts': '1\n' },
  });

  await expect(shop.merge(head)).rejects.toMatchObject({ code: 'BRANCH_MOVED' });
  expect(await shop.observe(head)).toEqual({ state: 'open', head: moved });
});

test('a conflict, a draft and a missing right say what stands against a merge', async () => {
  await using shop = await setup();
  const { head } = await shop.opened({ 'README.md': 'mine\n' });
  const [there] = shop.gitlab.state.mergeRequests;
  if (!there) {
    throw new Error('no merge request');
  }

  await shop.gitlab.as(shop.alice).edit(there, { title: 'Draft: Fix' });
  await expect(shop.merge(head)).rejects.toMatchObject({ code: 'FORGE_REFUSED' });
  await shop.gitlab.as(shop.alice).edit(there, { title: 'Fix' });
  await expect(shop.merge(head)).rejects.toMatchObject({ code: 'FORGE_FORBIDDEN' });
  await shop.gitlab.push(shop.project, {
    branch: 'main',
    by: shop.alice,
    files: { 'README.md': 'theirs\n' },
  });
  await expect(shop.merge(head)).rejects.toMatchObject({ code: 'CONFLICT' });
});

test('a person who merges, or closes, is seen', async () => {
  await using shop = await setup();
  const { head, request } = await shop.opened();
  const [there] = shop.gitlab.state.mergeRequests;
  if (!there) {
    throw new Error('no merge request');
  }

  await closeMergeRequest(shop.forge, shop.repo, request.number, NEVER);
  const closed = await shop.observe(head);
  await shop.gitlab.as(shop.alice).reopen(there);
  await shop.gitlab.as(shop.alice).merge(there, { squash: true });
  const merged = await getMergeRequest(shop.forge, shop.repo, request.number, NEVER);

  expect(closed).toEqual({ state: 'closed' });
  expect(merged).toMatchObject({ state: 'merged', mergedBy: { username: 'alice' }, head });
  expect(merged.mergedCommit).toBe(await shop.gitlab.head(shop.project));
});

test('each head is a version, and its commits say whose they are', async () => {
  await using shop = await setup();
  const { head, request } = await shop.opened();
  await shop.gitlab.manualClock.advance(1000);
  const moved = await shop.gitlab.push(shop.project, {
    branch: BRANCH,
    by: shop.alice,
    files: { 'more.ts': '1\n' },
  });

  const versions = await listVersions(shop.forge, shop.repo, request.number, NEVER);
  const emails = await listCommitEmails(shop.forge, shop.repo, request.number, NEVER);

  expect(versions.map((version) => version.head)).toEqual([moved, head]);
  expect([...emails].sort()).toEqual(['alice@example.org', 'autodev-bot@example.org']);
});
