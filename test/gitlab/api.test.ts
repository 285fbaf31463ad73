import { Gitlab as Client } from '@gitbeaker/rest';
import { expect, test } from 'vitest';

import { gitClient, hookReceiver, newest, refusal, shop } from './shop-fixture.ts';

const DAY_MS = 24 * 60 * 60 * 1000;
const put = (values: unknown) => ({ method: 'PUT', body: JSON.stringify(values) });
const post = (values: unknown) => ({ method: 'POST', body: JSON.stringify(values) });

test('a token says what it may do, does no more, and dies when it expires', async () => {
  await using setup = await shop();
  const { gitlab, bot, askAs, project } = setup;
  const { manualClock: clock } = gitlab;
  const expiresAt = new Date(clock.now().getTime() + DAY_MS);
  const { value } = gitlab.token(bot, { scopes: ['read_api'], expiresAt });

  const self = await askAs(value, '/personal_access_tokens/self');
  const write = await askAs(value, `/projects/${project.id}/issues`, post({ title: 'x' }));
  await clock.advance(DAY_MS);
  const dead = await askAs(value, '/user');
  const unknown = await askAs('nonsense', '/user');

  expect(self.body).toMatchObject({ active: true, scopes: ['read_api'], expires_at: '2026-03-03' });
  expect(write).toMatchObject({ status: 403, body: { error: 'insufficient_scope' } });
  expect(dead).toMatchObject({ status: 401, body: { error: 'invalid_token' } });
  expect(unknown).toMatchObject({ status: 401, body: { message: '401 Unauthorized' } });
});

test('a rotated token is dead at once, and using it again kills its successor', async () => {
  await using setup = await shop();
  const { token, askAs } = setup;

  const rotated = await askAs(token, '/personal_access_tokens/self/rotate', post({}));
  const next = String(Object(rotated.body).token);
  const alive = await askAs(next, '/user');
  const old = await askAs(token, '/user');
  const after = await askAs(next, '/user');

  expect([alive.status, old.status, after.status]).toEqual([200, 401, 401]);
});

test('a private project is not there for strangers, and a guest reads no code of it', async () => {
  await using setup = await shop();
  const { gitlab, guest, project, askAs } = setup;
  const stranger = gitlab.token(gitlab.user('stranger')).value;
  const asGuest = gitlab.token(guest).value;
  const file = `/projects/${project.id}/repository/files/README.md/raw?ref=main`;

  const [hidden, seen, code] = [
    await askAs(stranger, `/projects/${project.id}`),
    await askAs(asGuest, `/projects/${project.id}`),
    await askAs(asGuest, file),
  ];

  expect(hidden).toMatchObject({ status: 404, body: { message: '404 Project Not Found' } });
  expect([seen.status, code.status]).toEqual([200, 403]);
});

test('a default branch is null before the first push, and left out for whoever may not read code', async () => {
  await using setup = await shop();
  const { gitlab, bot, guest, askAs, ask } = setup;
  const empty = await gitlab.project('platform/empty', {
    members: [
      [bot, 'developer'],
      [guest, 'guest'],
    ],
  });

  const before = await ask(`/projects/${empty.id}`);
  await gitlab.push(empty, { branch: 'main', by: bot, files: { a: 'a' } });
  const after = await ask(`/projects/${empty.id}`);
  const asGuest = await askAs(gitlab.token(guest).value, `/projects/${empty.id}`);

  expect(before.body).toMatchObject({ default_branch: null, empty_repo: true });
  expect(after.body).toMatchObject({ default_branch: 'main', empty_repo: false });
  expect(asGuest.body).not.toHaveProperty('default_branch');
});

test('a renamed project answers its old path with a redirect, over the API and over git', async () => {
  await using setup = await shop();
  const { gitlab, project, token, ask } = setup;
  await using git = await gitClient(token);

  gitlab.rename(project, 'stores/shop');
  const moved = await ask('/projects/platform%2Fshop');
  const refused = await refusal(
    git.run(['-c', 'http.followRedirects=false', 'ls-remote', `${gitlab.url}/platform/shop.git`]),
  );
  const now = await ask('/projects/stores%2Fshop');

  expect(moved).toMatchObject({ status: 301 });
  expect(moved.headers.get('location')).toBe(`${gitlab.url}/api/v4/projects/${project.id}`);
  expect(refused).toMatch(/redirect|301/);
  expect(now.body).toMatchObject({ id: project.id, path_with_namespace: 'stores/shop' });
});

test('a status moves forward only, makes a pipeline of its own where there is none, and is read by name', async () => {
  await using setup = await shop();
  const { gitlab, project, bot, ask } = setup;
  const sha = (await gitlab.head(project)) ?? '';
  const set = (state: string, more = {}) =>
    ask(
      `/projects/${project.id}/statuses/${sha}`,
      post({ state, name: 'autodev/config', ...more }),
    );

  const running = await set('running');
  const again = await set('running');
  const done = await set('success', { description: 'applied' });
  const twice = await set('success', { description: 'applied' });
  const pipeline = gitlab.pipeline(project, { sha, ref: 'main', by: bot, jobs: { test: {} } });
  const joined = await set('success', { name: 'other', pipeline_id: pipeline.id });
  const read = await ask(
    `/projects/${project.id}/repository/commits/${sha}/statuses?name=autodev%2Fconfig`,
  );
  const pipelines = await ask(`/projects/${project.id}/pipelines`);

  expect(running).toMatchObject({ status: 201, body: { status: 'running' } });
  expect(again.status).toBe(400);
  expect(JSON.stringify(again.body)).toContain('Cannot transition status via :run from :running');
  expect(done.body).toMatchObject({ status: 'success', description: 'applied' });
  expect(Object(twice.body).id).not.toBe(Object(done.body).id);
  expect(joined.body).toMatchObject({ pipeline_id: pipeline.id });
  expect(read.body).toMatchObject([{ name: 'autodev/config', status: 'success' }]);
  expect(pipelines.body).toMatchObject([{ id: pipeline.id }, { source: 'external' }]);
});

test('a thread on a line of the diff is opened by a client, answered and settled', async () => {
  await using setup = await shop();
  const { gitlab, project, api, ask } = setup;
  const mergeRequest = await setup.opened({ 'src/add.ts': 'one\ntwo\n' });
  const { base, head, start } = newest(mergeRequest.versions);

  const thread = await api.MergeRequestDiscussions.create(
    project.id,
    mergeRequest.iid,
    'Why two?',
    {
      position: {
        baseSha: base,
        headSha: head,
        startSha: start,
        positionType: 'text',
        newPath: 'src/add.ts',
        oldPath: 'src/add.ts',
        newLine: '2',
      },
    },
  );
  const path = `/projects/${project.id}/merge_requests/${mergeRequest.iid}`;
  await ask(`${path}/discussions/${thread.id}/notes`, post({ body: 'Because' }));
  const open = await ask(path);
  const settled = await ask(`${path}/discussions/${thread.id}`, put({ resolved: true }));

  expect(open.body).toMatchObject({ blocking_discussions_resolved: false });
  expect(settled.body).toMatchObject({
    notes: [
      { type: 'DiffNote', position: { new_line: 2 }, resolved: true },
      { body: 'Because', resolved: true },
    ],
  });
  expect(gitlab.contract.violations).toEqual([]);
});

test('a note keeps its place when it is edited, and shows that it was', async () => {
  await using setup = await shop();
  const { project, ask } = setup;
  const mergeRequest = await setup.opened();
  const path = `/projects/${project.id}/merge_requests/${mergeRequest.iid}/notes`;

  const made = await ask(path, post({ body: 'one' }));
  const { id, created_at: createdAt } = Object(made.body);
  await ask(`${path}/${id}`, put({ body: 'two' }));
  const read = await ask(path);

  expect(read.body).toMatchObject([{ id, body: 'two', created_at: createdAt }]);
  expect(Object(newest(Array.isArray(read.body) ? read.body : [])).updated_at).not.toBe(createdAt);
});

test('a confidential issue is hidden from guests, and its hooks have a name of their own', async () => {
  await using setup = await shop();
  const { gitlab, project, alice, bob, guest, askAs } = setup;
  await using receiver = await hookReceiver();
  await askAs(
    gitlab.token(alice).value,
    `/projects/${project.id}/hooks`,
    post({
      url: receiver.url,
      push_events: false,
      confidential_issues_events: true,
      issues_events: true,
    }),
  );

  const issue = await gitlab.as(bob).openIssue(project, { title: 'Hole', confidential: true });
  const open = await gitlab.as(bob).openIssue(project, { title: 'Dent' });
  await gitlab.webhooks.settled();
  const hidden = await askAs(
    gitlab.token(guest).value,
    `/projects/${project.id}/issues/${issue.iid}`,
  );
  const listed = await askAs(gitlab.token(guest).value, `/projects/${project.id}/issues`);

  expect(hidden.status).toBe(404);
  expect(listed.body).toMatchObject([{ iid: open.iid }]);
  expect(receiver.events()).toEqual(['Confidential Issue Hook', 'Issue Hook']);
});

test('a commit of several files is made over the API and counts as a push', async () => {
  await using setup = await shop();
  const { gitlab, project, token, ask } = setup;
  const api = new Client({ host: gitlab.url, oauthToken: token });

  const commit = await api.Commits.create(
    project.id,
    'autodev/two',
    'Two files',
    [
      { action: 'create', filePath: 'deep/new "one".md', content: 'new\n' },
      { action: 'update', filePath: 'README.md', content: 'other\n' },
      { action: 'delete', filePath: 'autodev.yaml' },
    ],
    { startBranch: 'main' },
  );
  const compare = await ask(`/projects/${project.id}/repository/compare?from=main&to=${commit.id}`);
  const events = await ask(`/projects/${project.id}/events`);

  expect(compare.body).toMatchObject({
    commits: [{ id: commit.id, title: 'Two files' }],
    diffs: [
      { new_path: 'README.md', diff: expect.stringContaining('+other') },
      { old_path: 'autodev.yaml', deleted_file: true },
      { new_path: 'deep/new "one".md', new_file: true },
    ],
  });
  expect(events.body).toMatchObject([{ action_name: 'pushed new' }]);
});

test('a merge request may learn of a push late: until then it shows the old head', async () => {
  await using setup = await shop({ refreshDelayMs: 2000, checkingReads: 0 });
  const { gitlab, project, bot, ask } = setup;
  const mergeRequest = await setup.opened();
  const path = `/projects/${project.id}/merge_requests/${mergeRequest.iid}`;
  const old = newest(mergeRequest.versions).head;

  const head = await gitlab.push(project, { branch: 'autodev/fix', by: bot, files: { z: 'z' } });
  const early = await ask(path);
  await gitlab.manualClock.advance(2000);
  await expect.poll(() => newest(mergeRequest.versions).head).toBe(head);
  const late = await ask(path);

  expect([early.body, late.body]).toMatchObject([{ sha: old }, { sha: head }]);
});

test('a hook of a group hears of new projects and members', async () => {
  await using setup = await shop({ tier: 'premium' });
  const { gitlab, alice, bob, askAs } = setup;
  await using receiver = await hookReceiver();
  const group = gitlab.group('platform', [[alice, 'owner']]);
  const hook = { url: receiver.url, push_events: false, project_events: true, member_events: true };
  await askAs(gitlab.token(alice).value, `/groups/${group.id}/hooks`, post(hook));

  await gitlab.project('platform/tools/cli');
  gitlab.addMember(group, bob, 'developer');
  await gitlab.webhooks.settled();

  expect(receiver.received.map(({ payload }) => payload)).toMatchObject([
    { event_name: 'project_create', path_with_namespace: 'platform/tools/cli' },
    { event_name: 'user_add_to_group', group_access: 'Developer', user_id: bob.id },
  ]);
});
