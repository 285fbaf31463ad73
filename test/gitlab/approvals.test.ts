import { expect, test } from 'vitest';

import { ApiProblem } from './problem.ts';
import { shop } from './shop-fixture.ts';

const refused = (status: number) => expect.objectContaining({ constructor: ApiProblem, status });

test('Free: anybody who may push may vote, the author too, and a push takes no vote back', async () => {
  await using setup = await shop({ tier: 'free' });
  const { gitlab, project, bot, guest, ask } = setup;
  const mergeRequest = await setup.opened();
  const path = `/projects/${project.id}/merge_requests/${mergeRequest.iid}`;

  const before = await ask(`${path}/approvals`);
  await gitlab.as(bot).approve(mergeRequest);
  await expect(gitlab.as(guest).approve(mergeRequest)).rejects.toEqual(refused(401));
  await gitlab.push(project, { branch: 'autodev/fix', by: bot, files: { 'src/add.ts': 'two\n' } });
  await gitlab.manualClock.advance(60_000);
  const after = await ask(`${path}/approvals`);
  const rules = await ask(`${path}/approval_state`);

  expect(before.body).toEqual({
    user_has_approved: false,
    user_can_approve: true,
    approved: false,
    approved_by: [],
  });
  expect(after.body).toMatchObject({ approved: true, approved_by: [{ user: { id: bot.id } }] });
  expect(rules).toMatchObject({ status: 404, body: { error: '404 Not Found' } });
});

test('Premium: a push takes votes back only ten seconds later; meanwhile the old vote can be read', async () => {
  await using setup = await shop({ tier: 'premium', checkingReads: 0 });
  const { gitlab, project, bot, alice, ask } = setup;
  const mergeRequest = await setup.opened();
  const path = `/projects/${project.id}/merge_requests/${mergeRequest.iid}`;
  await gitlab.as(alice).approve(mergeRequest);
  const seen = mergeRequest.versions[0]?.head;

  const head = await gitlab.push(project, {
    branch: 'autodev/fix',
    by: bot,
    files: { 'src/add.ts': 'evil\n' },
  });
  const during = await Promise.all([ask(path), ask(`${path}/approvals`)]);
  const stale = await ask(`${path}/merge`, { method: 'PUT', body: JSON.stringify({ sha: seen }) });
  await gitlab.manualClock.advance(10_000);
  const after = await Promise.all([ask(path), ask(`${path}/approvals`)]);

  expect(during[0].body).toMatchObject({ sha: head, detailed_merge_status: 'approvals_syncing' });
  expect(during[1].body).toMatchObject({ approved_by: [{ user: { username: 'alice' } }] });
  expect(stale.status).toBe(401);
  expect(after[0].body).toMatchObject({ detailed_merge_status: 'mergeable' });
  expect(after[1].body).toMatchObject({ approved_by: [], approvals_left: 0 });
});

test('Premium: a vote for the new head outlives the reset, also when more was pushed meanwhile', async () => {
  await using setup = await shop({ tier: 'premium', checkingReads: 0 });
  const { gitlab, project, bot, alice, bob, ask } = setup;
  const mergeRequest = await setup.opened();
  const path = `/projects/${project.id}/merge_requests/${mergeRequest.iid}`;
  const push = (content: string) =>
    gitlab.push(project, { branch: 'autodev/fix', by: bot, files: { 'src/add.ts': content } });
  await gitlab.as(alice).approve(mergeRequest);

  await push('two\n');
  await gitlab.manualClock.advance(5000);
  await push('three\n');
  await gitlab.as(bob).approve(mergeRequest);
  await gitlab.manualClock.advance(5000);
  const between = await ask(path);
  await gitlab.manualClock.advance(5000);
  const after = await ask(path);

  expect(between.body).toMatchObject({ detailed_merge_status: 'approvals_syncing' });
  expect(after.body).toMatchObject({ detailed_merge_status: 'mergeable' });
  expect(mergeRequest.approvals.map(({ user }) => user)).toEqual([bob]);
});

test('Premium: rules ask for people, and neither author nor committer is one of them', async () => {
  await using setup = await shop({ tier: 'premium', checkingReads: 0 });
  const { gitlab, project, bot, alice, bob, ask } = setup;
  project.settings.committersApproval = false;
  project.approvalRules.push({
    id: 1,
    name: 'Leads',
    type: 'regular',
    approvalsRequired: 1,
    users: [alice],
    groups: [],
  });
  const mergeRequest = await setup.opened();
  await gitlab.push(project, { branch: 'autodev/fix', by: bob, files: { 'b.ts': 'b\n' } });
  const path = `/projects/${project.id}/merge_requests/${mergeRequest.iid}`;

  await expect(gitlab.as(bot).approve(mergeRequest)).rejects.toEqual(refused(401));
  await expect(gitlab.as(bob).approve(mergeRequest)).rejects.toEqual(refused(401));
  const waiting = await ask(path);
  await gitlab.as(alice).approve(mergeRequest, { sha: mergeRequest.versions.at(-1)?.head ?? '' });
  const ready = await ask(path);
  const state = await ask(`${path}/approval_state`);

  expect(waiting.body).toMatchObject({ detailed_merge_status: 'not_approved' });
  expect(ready.body).toMatchObject({ detailed_merge_status: 'mergeable' });
  expect(state.body).toMatchObject({
    rules: [{ name: 'Leads', approved: true, approved_by: [{ username: 'alice' }] }],
  });
});

test('a vote for a head that has moved is refused, and so is a second one', async () => {
  await using setup = await shop({ tier: 'premium' });
  const { gitlab, project, alice, bot } = setup;
  const mergeRequest = await setup.opened();
  const [old] = mergeRequest.versions;
  await gitlab.push(project, { branch: 'autodev/fix', by: bot, files: { 'c.ts': 'c\n' } });

  const stale = gitlab.as(alice).approve(mergeRequest, { sha: old?.head ?? '' });
  await expect(stale).rejects.toEqual(refused(409));
  await gitlab.as(alice).approve(mergeRequest);
  await expect(gitlab.as(alice).approve(mergeRequest)).rejects.toEqual(refused(401));
  await gitlab.as(alice).unapprove(mergeRequest);

  expect(mergeRequest.approvals).toEqual([]);
});

test('a reviewer who asks for changes stands against merging on Premium', async () => {
  await using setup = await shop({ tier: 'premium', checkingReads: 0 });
  const { gitlab, project, alice, ask } = setup;
  const mergeRequest = await setup.opened();
  const path = `/projects/${project.id}/merge_requests/${mergeRequest.iid}`;

  gitlab.as(alice).review(mergeRequest, 'requested_changes');
  const read = await ask(path);
  const reviewers = await ask(`${path}/reviewers`);

  expect(read.body).toMatchObject({ detailed_merge_status: 'requested_changes' });
  expect(reviewers.body).toMatchObject([
    { user: { username: 'alice' }, state: 'requested_changes' },
  ]);
});
