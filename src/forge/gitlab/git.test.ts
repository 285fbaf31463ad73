import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';

import { expect, test } from 'vitest';

import { systemClock } from '../../kernel/clock.ts';
import type { Git } from '../git.ts';
import { createGitAccess } from './git-access.ts';
import { NEVER, startShop } from './gitlab-forge-fixture.ts';
import { createGitlabMirrorFetch } from './mirror.ts';
import { createProjects } from './projects.ts';
import { deleteBranch, publishBranch } from './publish.ts';

async function setup(options: Parameters<typeof startShop>[0] = {}) {
  const shop = await startShop(options);
  const started: string[][] = [];
  const git: Git = {
    ...shop.git,
    run(place, args, signal, more) {
      started.push([...args, ...(more?.config ?? [])]);
      return shop.git.run(place, args, signal, more);
    },
  };
  const projects = createProjects(shop.client);
  const access = createGitAccess({ git, client: shop.client, projects });
  const deps = {
    git,
    clock: systemClock,
    access,
    scratch: shop.folder,
    mirrors: join(shop.folder, 'mirrors'),
    maxBundleBytes: 1024 * 1024,
    fetchMirror: createGitlabMirrorFetch({ git, clock: systemClock, access, projects }),
  };
  return { ...shop, deps, started, mirror: join(shop.folder, 'copy.git') };
}

function everyFile(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map((name) => join(folder, name))
    .filter((file) => statSync(file).isFile());
}

test('a mirror gets every branch, and loses those that are gone', async () => {
  await using shop = await setup();
  const head = await shop.gitlab.push(shop.project, {
    branch: 'feature',
    by: shop.alice,
    files: { 'a.txt': 'a\n' },
  });
  const branches = () =>
    shop.git.text({ cwd: shop.mirror }, ['for-each-ref', '--format=%(refname:short)'], NEVER);

  await shop.deps.fetchMirror(shop.repo, shop.mirror, NEVER);
  const before = await branches();
  const fetched = await shop.git.text({ cwd: shop.mirror }, ['rev-parse', 'feature'], NEVER);
  await shop.gitlab.deleteBranch(shop.project, 'feature', shop.alice);
  await shop.deps.fetchMirror(shop.repo, shop.mirror, NEVER);

  expect(before.split('\n')).toEqual(['feature', 'main']);
  expect(fetched).toBe(head);
  expect(await branches()).toBe('main');
});

test('the token is in no argument and in no file', async () => {
  await using shop = await setup();
  const work = shop.work({ 'src/fix.ts': 'fixed\n' });

  await publishBranch(
    shop.deps,
    shop.repo,
    { branch: 'autodev/fix', ...work, bundle: work.bundle(), expected: undefined },
    NEVER,
  );

  expect(shop.started.flat().join(' ')).not.toContain(shop.secret);
  const content = everyFile(shop.folder).map((file) => readFileSync(file, 'latin1'));
  const secrets = [shop.secret, btoa(`oauth2:${shop.secret}`)];
  expect(content.filter((text) => secrets.some((secret) => text.includes(secret)))).toEqual([]);
});

test('work is pushed once, however often it is published', async () => {
  await using shop = await setup();
  const work = shop.work({ 'src/fix.ts': 'fixed\n' });
  const publish = () =>
    publishBranch(
      shop.deps,
      shop.repo,
      { branch: 'autodev/fix', head: work.head, bundle: work.bundle(), expected: undefined },
      NEVER,
    );

  const first = await publish();
  const second = await publish();

  expect(first).toEqual({ branch: 'autodev/fix', head: work.head, note: undefined });
  expect(second).toEqual(first);
  expect(await shop.gitlab.head(shop.project, 'autodev/fix')).toBe(work.head);
  const pushes = shop.gitlab.requests().filter(({ url }) => url.endsWith('/git-receive-pack'));
  expect(pushes).toHaveLength(1);
});

test("a person's commits on our branch stay", async () => {
  await using shop = await setup();
  const [first, second] = [shop.work({ 'a.ts': 'one\n' }), shop.work({ 'a.ts': 'two\n' })];
  const branch = 'autodev/fix';
  await publishBranch(
    shop.deps,
    shop.repo,
    { branch, head: first.head, bundle: first.bundle(), expected: undefined },
    NEVER,
  );
  const theirs = await shop.gitlab.push(shop.project, {
    branch,
    by: shop.alice,
    files: { 'b.ts': 'mine\n' },
  });

  const late = publishBranch(
    shop.deps,
    shop.repo,
    { branch, head: second.head, bundle: second.bundle(), expected: first.head },
    NEVER,
  );

  await expect(late).rejects.toMatchObject({ code: 'BRANCH_MOVED' });
  await deleteBranch(shop.deps, shop.repo, { branch, head: first.head }, NEVER);
  expect(await shop.gitlab.head(shop.project, branch)).toBe(theirs);
});

test('a push that somebody overtakes changes nothing', async () => {
  await using shop = await setup();
  const work = shop.work({ 'a.ts': 'one\n' });
  const branch = 'autodev/fix';
  const { access } = shop.deps;
  let theirs = '';
  const overtaken = {
    ...shop.deps,
    access: {
      run: async (...call: Parameters<typeof access.run>) => {
        if (call[2]('')[0] === 'push') {
          theirs = await shop.gitlab.push(shop.project, {
            branch,
            by: shop.alice,
            files: { 'b.ts': 'mine\n' },
          });
        }
        return access.run(...call);
      },
    },
  };

  const late = publishBranch(
    overtaken,
    shop.repo,
    { branch, head: work.head, bundle: work.bundle(), expected: undefined },
    NEVER,
  );

  await expect(late).rejects.toMatchObject({ code: 'BRANCH_MOVED' });
  expect(await shop.gitlab.head(shop.project, branch)).toBe(theirs);
});

test('our branch is moved to newer work, and deleted where it stands as we left it', async () => {
  await using shop = await setup();
  const [first, second] = [shop.work({ 'a.ts': 'one\n' }), shop.work({ 'a.ts': 'two\n' })];
  const branch = 'autodev/fix';
  const publish = (work: typeof first, expected: string | undefined) =>
    publishBranch(
      shop.deps,
      shop.repo,
      { branch, head: work.head, bundle: work.bundle(), expected },
      NEVER,
    );

  await publish(first, undefined);
  await publish(second, first.head);
  const moved = await shop.gitlab.head(shop.project, branch);
  await deleteBranch(shop.deps, shop.repo, { branch, head: second.head }, NEVER);

  expect(moved).toBe(second.head);
  expect(await shop.gitlab.head(shop.project, branch)).toBeUndefined();
});

test('a project that was renamed is found under its new path', async () => {
  await using shop = await setup();
  await shop.deps.fetchMirror(shop.repo, shop.mirror, NEVER);

  shop.gitlab.rename(shop.project, 'platform/store');

  await shop.deps.fetchMirror(shop.repo, shop.mirror, NEVER);
  expect(shop.gitlab.requests().at(-1)?.url).toContain('/platform/store.git/');
});

test.each([
  ['FORGE_NOT_FOUND', 'a project that is gone'],
  ['FORGE_UNAUTHORIZED', 'a token that was revoked'],
  ['FORGE_FORBIDDEN', 'a role that was lowered'],
  ['FORGE_UNREACHABLE', 'a server that is down'],
])('%s: %s', async (code) => {
  await using shop = await setup();
  const work = shop.work({ 'a.ts': 'one\n' });
  await shop.deps.fetchMirror(shop.repo, shop.mirror, NEVER);
  if (code === 'FORGE_NOT_FOUND') {
    shop.gitlab.remove(shop.project);
  } else if (code === 'FORGE_UNAUTHORIZED') {
    shop.gitlab.state.tokens.forEach((token) => {
      token.revoked = true;
    });
  } else if (code === 'FORGE_FORBIDDEN') {
    shop.gitlab.addMember(shop.project, shop.bot, 'reporter');
  } else {
    shop.gitlab.faults.add({ on: '.git/', fault: { kind: 'reset' }, times: 100 });
  }

  const publishing = publishBranch(
    shop.deps,
    shop.repo,
    { branch: 'autodev/fix', head: work.head, bundle: work.bundle(), expected: undefined },
    NEVER,
  );

  await expect(publishing).rejects.toMatchObject({ code });
});
