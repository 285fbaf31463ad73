import { expect, test } from 'vitest';

import { gitClient, shop } from './shop-fixture.ts';

async function toMerge(options: Parameters<typeof shop>[0] = {}) {
  const setup = await shop({ checkingReads: 0, ...options });
  const maintainer = setup.gitlab.token(setup.alice).value;
  const mergeRequest = await setup.opened({ 'README.md': 'one\nTWO\nthree\n' });
  const path = `/projects/${setup.project.id}/merge_requests/${mergeRequest.iid}`;
  return {
    ...setup,
    mergeRequest,
    path,
    merge: (values: Record<string, unknown> = {}) =>
      setup.askAs(maintainer, `${path}/merge`, { method: 'PUT', body: JSON.stringify(values) }),
    [Symbol.asyncDispose]: () => setup.gitlab[Symbol.asyncDispose](),
  };
}

test('a merge makes a merge commit of both heads and takes the branch away', async () => {
  await using setup = await toMerge();
  const { gitlab, project, mergeRequest, merge, ask } = setup;
  const main = await gitlab.head(project);
  const sha = mergeRequest.versions[0]?.head;

  const merged = await merge({ sha });
  const commit = await ask(`/projects/${project.id}/repository/commits/main`);

  expect(merged.body).toMatchObject({ state: 'merged', merge_user: { username: 'alice' }, sha });
  expect(commit.body).toMatchObject({ parent_ids: [main, sha] });
  expect(await gitlab.head(project, 'autodev/fix')).toBeUndefined();
});

test('a squash is one commit with the tree of the branch', async () => {
  await using setup = await toMerge();
  const { merge, ask, project } = setup;

  const merged = await merge({ squash: true, squash_commit_message: 'All of it' });
  const squash = await ask(`/projects/${project.id}/repository/commits/main^2`);

  expect(merged.body).toMatchObject({ squash_commit_sha: expect.stringMatching(/^[0-9a-f]{40}$/) });
  expect(squash.body).toMatchObject({ title: 'All of it', author_name: 'Autodev Bot' });
});

test('a conflict is found by git: the status says so and a merge answers 422', async () => {
  await using setup = await toMerge();
  const { gitlab, project, alice, ask, path, merge } = setup;
  await gitlab.push(project, {
    branch: 'main',
    by: alice,
    files: { 'README.md': 'one\n2\nthree\n' },
  });

  const read = await ask(path);
  const merged = await merge();

  expect(read.body).toMatchObject({ detailed_merge_status: 'conflict', has_conflicts: true });
  expect(merged).toMatchObject({ status: 422, body: { message: 'Branch cannot be merged' } });
});

test('a draft hides its conflict and answers 405', async () => {
  await using setup = await toMerge();
  const { gitlab, project, alice, bot, ask, path, merge, mergeRequest } = setup;
  await gitlab.push(project, {
    branch: 'main',
    by: alice,
    files: { 'README.md': 'one\n2\nthree\n' },
  });
  await gitlab.as(bot).edit(mergeRequest, { title: 'Draft: Fix' });

  const read = await ask(path);
  const merged = await merge();

  expect(read.body).toMatchObject({ draft: true, detailed_merge_status: 'draft_status' });
  expect(merged.status).toBe(405);
});

test('a sha that is not the head answers 409 and merges nothing', async () => {
  await using setup = await toMerge();
  const { merge, mergeRequest } = setup;

  const merged = await merge({ sha: '0'.repeat(40) });

  expect(merged.status).toBe(409);
  expect(mergeRequest.state).toBe('opened');
});

test('where only fast-forwards are allowed a rebase is needed first, and changes the committer alone', async () => {
  await using setup = await toMerge();
  const { gitlab, project, alice, ask, path, merge, mergeRequest } = setup;
  project.settings.mergeMethod = 'ff';
  await gitlab.push(project, { branch: 'main', by: alice, files: { 'other.md': 'x\n' } });

  const before = await ask(path);
  await gitlab.as(alice).rebase(mergeRequest);
  const after = await ask(path);
  const commits = await ask(`${path}/commits`);
  const merged = await merge();

  expect(before.body).toMatchObject({ detailed_merge_status: 'need_rebase' });
  expect(after.body).toMatchObject({ detailed_merge_status: 'mergeable' });
  expect(commits.body).toMatchObject([{ author_name: 'Autodev Bot', committer_name: 'Alice' }]);
  expect(merged.body).toMatchObject({ state: 'merged', merge_commit_sha: null });
  expect(await gitlab.head(project)).toBe(mergeRequest.versions.at(-1)?.head);
});

test('where pipelines must succeed a missing one, a running one and a failed one each say so', async () => {
  await using setup = await toMerge();
  const { gitlab, project, bot, ask, path, mergeRequest } = setup;
  project.settings.onlyAllowMergeIfPipelineSucceeds = true;
  const statuses: unknown[] = [];
  const look = async () => {
    const { body } = await ask(path);
    statuses.push(Object(body).detailed_merge_status);
  };

  await look();
  const sha = mergeRequest.versions[0]?.head ?? '';
  const pipeline = gitlab.pipeline(project, {
    sha,
    ref: 'autodev/fix',
    by: bot,
    jobs: { test: { status: 'running' } },
  });
  await look();
  gitlab.setJob(pipeline, { name: 'test', status: 'failed', trace: 'boom\n' });
  await look();
  gitlab.setJob(pipeline, { name: 'test', status: 'success' });
  await look();

  expect(statuses).toEqual(['ci_must_pass', 'ci_still_running', 'ci_must_pass', 'mergeable']);
});

test('a new merge request is being prepared and checked for as many reads as asked', async () => {
  await using setup = await toMerge({ preparingReads: 1, checkingReads: 1 });
  const { ask, path, merge } = setup;

  const early = await merge();
  const reads = [await ask(path), await ask(path), await ask(path)];

  expect(early.status).toBe(405);
  expect(reads.map(({ body }) => Object(body).detailed_merge_status)).toEqual([
    'preparing',
    'checking',
    'mergeable',
  ]);
});

test('a head that reaches the target by a push counts as merged by the pusher', async () => {
  await using setup = await toMerge();
  const { gitlab, project, alice, ask, path } = setup;
  await using git = await gitClient(gitlab.token(alice).value);
  await git.run(['clone', '--quiet', `${gitlab.url}/${project.path}.git`, 'work']);

  await git.run(['push', '--quiet', 'origin', 'origin/autodev/fix:main'], `${git.folder}/work`);
  const read = await ask(path);

  expect(read.body).toMatchObject({
    state: 'merged',
    merge_commit_sha: null,
    merge_user: { username: 'alice' },
  });
});

test('a merge request from a fork has its own source project, and merges', async () => {
  await using setup = await toMerge();
  const { gitlab, project, bob, alice, ask } = setup;
  const fork = await gitlab.fork(project, 'bob/shop', bob);
  await gitlab.push(fork, { branch: 'autodev/fix', by: bob, files: { 'fork.md': 'fork\n' } });

  const mergeRequest = await gitlab
    .as(bob)
    .openMergeRequest(project, { source: 'autodev/fix', title: 'From a fork', from: fork });
  await gitlab.as(alice).merge(mergeRequest);
  const read = await ask(`/projects/${project.id}/merge_requests/${mergeRequest.iid}`);
  const file = await ask(`/projects/${project.id}/repository/files/fork.md/raw?ref=main`);

  expect(read.body).toMatchObject({ source_project_id: fork.id, target_project_id: project.id });
  expect(file.body).toBe('fork\n');
});
