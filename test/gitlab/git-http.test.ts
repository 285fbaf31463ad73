import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { expect, test } from 'vitest';

import { gitClient, hookReceiver, newest, refusal, shop } from './shop-fixture.ts';

test('git clones and pushes with a token, and the API knows of the push when git is done', async () => {
  await using setup = await shop();
  const { gitlab, project, token, bot, ask } = setup;
  await using git = await gitClient(token);
  const work = join(git.folder, 'work');

  await git.run(['clone', '--quiet', `${gitlab.url}/platform/shop.git`, work]);
  await writeFile(join(work, 'new.ts'), 'new\n');
  await git.run(['add', '.'], work);
  await git.run(['commit', '--quiet', '-m', 'Add it'], work);
  await git.run(['push', '--quiet', 'origin', 'HEAD:refs/heads/autodev/new'], work);
  const branch = await ask(`/projects/${project.id}/repository/branches/autodev%2Fnew`);
  const events = await ask(`/projects/${project.id}/events?action=pushed`);

  const head = await git.run(['rev-parse', 'HEAD'], work);
  expect(branch.body).toMatchObject({ commit: { id: head, title: 'Add it' }, protected: false });
  expect(events.body).toMatchObject([
    { author: { id: bot.id }, push_data: { ref: 'autodev/new', commit_to: head } },
  ]);
});

test('a wrong token, a guest, a read-only token and a stranger are refused in their own ways', async () => {
  await using setup = await shop();
  const { gitlab, guest, bot } = setup;
  const url = `${gitlab.url}/platform/shop.git`;
  const stranger = gitlab.user('stranger');
  const tryAs = async (token: string, args: readonly string[]) => {
    await using git = await gitClient(token);
    return await git.run(args).catch((error: unknown) => String(error));
  };

  const wrong = await tryAs('wrong', ['ls-remote', url]);
  const asGuest = await tryAs(gitlab.token(guest).value, ['ls-remote', url]);
  const asStranger = await tryAs(gitlab.token(stranger).value, ['ls-remote', url]);
  const readOnly = gitlab.token(bot, { scopes: ['read_repository'] }).value;
  const readable = await tryAs(readOnly, ['ls-remote', url, 'HEAD']);
  await using git = await gitClient(readOnly);
  await git.run(['clone', '--quiet', url, 'work']);
  const push = await refusal(git.run(['push', url, 'HEAD:refs/heads/x'], join(git.folder, 'work')));

  expect(wrong).toMatch(/Authentication failed|could not read Username/);
  expect(asGuest).toMatch(/not allowed to download code|403/);
  expect(asStranger).toMatch(/not found/);
  expect(readable).toMatch(/HEAD$/);
  expect(push).toMatch(/403/);
});

test('a protected branch takes no push from a developer and no rewinding from anybody', async () => {
  await using setup = await shop();
  const { gitlab, project, token, alice } = setup;
  const url = `${gitlab.url}/platform/shop.git`;
  const before = await gitlab.head(project);
  await using bot = await gitClient(token);
  await using maintainer = await gitClient(gitlab.token(alice).value);
  for (const git of [bot, maintainer]) {
    await git.run(['clone', '--quiet', url, 'work']);
    await git.run(['commit', '--quiet', '--amend', '-m', 'Other'], join(git.folder, 'work'));
  }

  const developer = await refusal(
    bot.run(['push', '--force', url, 'HEAD:main'], join(bot.folder, 'work')),
  );
  const forced = await refusal(
    maintainer.run(['push', '--force', url, 'HEAD:main'], join(maintainer.folder, 'work')),
  );

  expect(developer).toMatch(/not allowed to push code to protected branches/);
  expect(forced).toMatch(/not allowed to force push code to a protected branch/);
  expect(await gitlab.head(project)).toBe(before);
});

test('a push of more than three branches fires no hook; a smaller one fires one for each', async () => {
  await using setup = await shop();
  const { gitlab, project, token, alice, askAs } = setup;
  await using receiver = await hookReceiver();
  await askAs(gitlab.token(alice).value, `/projects/${project.id}/hooks`, {
    method: 'POST',
    body: JSON.stringify({ url: receiver.url, push_events: true }),
  });
  await using git = await gitClient(token);
  await git.run(['clone', '--quiet', `${gitlab.url}/platform/shop.git`, 'work']);
  const push = (...names: string[]) =>
    git.run(
      ['push', '--quiet', 'origin', ...names.map((name) => `HEAD:refs/heads/${name}`)],
      join(git.folder, 'work'),
    );

  await push('a', 'b', 'c', 'd');
  await gitlab.webhooks.settled();
  const afterFour = receiver.received.length;
  await push('e', 'f', 'g');
  await gitlab.webhooks.settled();

  expect(afterFour).toBe(0);
  expect(receiver.received.map(({ payload }) => payload['ref'])).toEqual([
    'refs/heads/e',
    'refs/heads/f',
    'refs/heads/g',
  ]);
});

test('a merge request keeps a version per push, and closes when its branch is deleted', async () => {
  await using setup = await shop();
  const { gitlab, project, bot, ask } = setup;
  const mergeRequest = await setup.opened();
  const path = `/projects/${project.id}/merge_requests/${mergeRequest.iid}`;

  const second = await gitlab.push(project, {
    branch: 'autodev/fix',
    by: bot,
    files: { 'src/add.ts': 'two\n' },
  });
  const versions = await ask(`${path}/versions`);
  await gitlab.deleteBranch(project, 'autodev/fix', bot);
  const closed = await ask(path);

  expect(versions.body).toMatchObject([{ head_commit_sha: second }, {}]);
  expect(closed.body).toMatchObject({ state: 'closed', sha: second });
  expect(newest(gitlab.state.mergeRequests).closedBy).toBe(bot);
});

test('HEAD follows the default branch when it is switched', async () => {
  await using setup = await shop();
  const { gitlab, project, token, bot } = setup;
  await using git = await gitClient(token);
  const head = await gitlab.push(project, { branch: 'next', by: bot, files: { 'n.md': 'n\n' } });

  await gitlab.setDefaultBranch(project, 'next');
  const seen = await git.run(['ls-remote', `${gitlab.url}/platform/shop.git`, 'HEAD']);

  expect(seen).toBe(`${head}\tHEAD`);
});
