import { expect, test } from 'vitest';

import { newest, shop } from './shop-fixture.ts';

test('a client opens a merge request, somebody approves it, and it is merged', async () => {
  await using setup = await shop();
  const { gitlab, api, project, alice, bot } = setup;
  await gitlab.push(project, { branch: 'autodev/fix', by: bot, files: { 'src/a.ts': 'one\n' } });

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
  expect(merged.merge_commit_sha).toBe(await gitlab.head(project));
  expect(await gitlab.head(project, 'autodev/fix')).toBeUndefined();
});

test('a file is read at a commit, with the ids that GitLab gives in headers', async () => {
  await using setup = await shop();
  const { gitlab, api, project } = setup;
  const head = (await gitlab.head(project)) ?? '';

  const file = await api.RepositoryFiles.show(project.id, 'autodev.yaml', head);
  const raw = await api.RepositoryFiles.showRaw(project.id, 'autodev.yaml', head);
  const missing = api.RepositoryFiles.show(project.id, 'src/none.ts', head);

  expect(Buffer.from(file.content, 'base64').toString()).toBe('version: 1\n');
  expect(file.commit_id).toBe(head);
  expect(raw instanceof Blob ? await raw.text() : raw).toBe('version: 1\n');
  await expect(missing).rejects.toThrow(/404 File Not Found/);
});
