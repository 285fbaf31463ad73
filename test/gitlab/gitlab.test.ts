import { Gitlab as Client } from '@gitbeaker/rest';
import { expect, test } from 'vitest';

import { startGitlab } from './gitlab-fixture.ts';

async function setup(options: Parameters<typeof startGitlab>[0] = {}) {
  const gitlab = await startGitlab(options);
  const [bot, alice, bob] = [
    gitlab.user('autodev-bot', { bot: true }),
    gitlab.user('alice'),
    gitlab.user('bob'),
  ];
  const shop = await gitlab.project('platform/shop', {
    files: { 'README.md': 'Shop\n', 'autodev.yaml': 'version: 1\n' },
    members: [
      [alice, 'maintainer'],
      [bob, 'developer'],
      [bot, 'developer'],
    ],
  });
  const token = gitlab.token(bot).value;
  const api = new Client({ host: gitlab.url, oauthToken: token });
  return Object.assign(gitlab, { bot, alice, bob, shop, token, api });
}

function newest<T>(items: readonly T[]): T {
  const item = items.at(-1);
  if (item === undefined) {
    throw new Error('There is none.');
  }
  return item;
}

test('a client opens a merge request, somebody approves it, and it is merged', async () => {
  await using gitlab = await setup();
  const { api, shop, alice, bot } = gitlab;
  await gitlab.push(shop, { branch: 'autodev/fix', by: bot, files: { 'src/a.ts': 'one\n' } });

  const opened = await api.MergeRequests.create('platform/shop', 'autodev/fix', 'main', 'Fix', {
    labels: 'autodev,bug',
    description: 'Why',
  });
  const record = newest(gitlab.state.mergeRequests);
  await gitlab.as(alice).approve(record);
  const approvals = await api.MergeRequestApprovals.showConfiguration('platform/shop', {
    mergerequestIId: opened.iid,
  });
  await gitlab.as(alice).merge(record, { sha: opened.sha });
  const merged = await api.MergeRequests.show('platform/shop', opened.iid);

  expect(opened).toMatchObject({ state: 'opened', labels: ['autodev', 'bug'] });
  expect(approvals.approved_by?.map((vote) => vote.user.username)).toEqual(['alice']);
  expect(merged).toMatchObject({ state: 'merged', merge_user: { username: 'alice' } });
  expect(merged.merge_commit_sha).toBe(await gitlab.head(shop));
  expect(await gitlab.head(shop, 'autodev/fix')).toBeUndefined();
});

test('a file is read at a commit, with the ids that GitLab gives in headers', async () => {
  await using gitlab = await setup();
  const { api, shop } = gitlab;
  const head = (await gitlab.head(shop)) ?? '';

  const file = await api.RepositoryFiles.show(shop.id, 'autodev.yaml', head);
  const raw = await api.RepositoryFiles.showRaw(shop.id, 'autodev.yaml', head);
  const missing = api.RepositoryFiles.show(shop.id, 'src/none.ts', head);

  expect(Buffer.from(file.content, 'base64').toString()).toBe('version: 1\n');
  expect(file.commit_id).toBe(head);
  expect(raw instanceof Blob ? await raw.text() : raw).toBe('version: 1\n');
  await expect(missing).rejects.toThrow(/404 File Not Found/);
});
