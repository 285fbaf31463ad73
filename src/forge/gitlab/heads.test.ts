import { expect, test } from 'vitest';

import { systemClock } from '../../kernel/clock.ts';
import { silentLog } from '../../kernel/log.ts';
import type { ForgeRepo } from '../forge.ts';
import { listActiveProjects, listGroupProjects } from './discover.ts';
import { NEVER, startShop } from './gitlab-forge-fixture.ts';
import { createHeadMemory } from './head-memory.ts';
import { createHeadQuery } from './heads.ts';
import { createProjects } from './projects.ts';

async function setup(options: Parameters<typeof startShop>[0] = {}) {
  const shop = await startShop(options);
  const ask = createHeadQuery({ client: shop.client, projects: createProjects(shop.client) });
  return { ...shop, ask };
}

/** One more project on the same repository: making a hundred of them would take a minute. */
function seedCopy({ gitlab, project }: Awaited<ReturnType<typeof setup>>, path: string) {
  const copy = { ...project, id: gitlab.state.nextId('project'), path };
  gitlab.state.projects.set(copy.id, copy);
  return copy;
}

async function withProjects(count: number) {
  const shop = await setup();
  const repos: ForgeRepo[] = [];
  for (let n = 0; n < count; n += 1) {
    const project = seedCopy(shop, `platform/p${n}`);
    project.lastActivityAt = new Date('2026-01-01T00:00:00.000Z');
    repos.push({ id: 100 + n, path: project.path, location: String(project.id), branch: 'main' });
  }
  shop.gitlab.forgetRequests();
  return { ...shop, repos };
}

test('many heads cost one request', async () => {
  await using shop = await withProjects(12);

  const heads = await shop.ask(shop.repos, NEVER);

  const [first] = shop.repos;
  const project = [...shop.gitlab.state.projects.values()].find(({ path }) => path === first?.path);
  expect(heads.get(100)).toBe(project && (await shop.gitlab.head(project)));
  expect([...heads.values()].every((head) => typeof head === 'string')).toBe(true);
  expect(shop.gitlab.requests()).toHaveLength(1);
});

test('a batch that is too dear is halved until it is not, and stays small', async () => {
  await using shop = await withProjects(40);

  const heads = await shop.ask(shop.repos, NEVER);
  const first = shop.gitlab.requests().length;
  await shop.ask(shop.repos, NEVER);

  expect([...heads.values()].filter((head) => typeof head === 'string')).toHaveLength(40);
  expect(shop.gitlab.requests().length - first).toBeLessThanOrEqual(first);
});

test.each([
  ['removed', 'SOURCE_UNREADABLE', /is gone from GitLab, or hidden/],
  ['hidden', 'SOURCE_UNREADABLE', /is gone from GitLab, or hidden/],
  ['for a guest', 'FORGE_FORBIDDEN', /403/],
  ['without its branch', 'SOURCE_UNREADABLE', /no branch main any more/],
])('unreachable is not absent: a project that is %s', async (what, code, message) => {
  await using shop = await setup();
  if (what === 'removed') {
    shop.gitlab.remove(shop.project);
  } else if (what === 'hidden') {
    shop.gitlab.removeMember(shop.project, shop.bot);
  } else if (what === 'for a guest') {
    shop.gitlab.addMember(shop.project, shop.bot, 'guest');
  } else {
    await shop.gitlab.push(shop.project, { branch: 'trunk', by: shop.alice, files: { a: '1' } });
    shop.project.protectedBranches.length = 0;
    shop.project.defaultBranch = 'trunk';
    await shop.gitlab.deleteBranch(shop.project, 'main', shop.alice);
  }

  const head = (await shop.ask([shop.repo], NEVER)).get(1);

  expect(head).toMatchObject({ code });
  expect(String(head)).toMatch(message);
});

test('a renamed and moved project is read on by its id', async () => {
  await using shop = await setup();
  shop.gitlab.rename(shop.project, 'elsewhere/store');

  const head = (await shop.ask([shop.repo], NEVER)).get(1);

  expect(head).toBe(await shop.gitlab.head(shop.project));
});

test('a server that is down is told for each repository, and nothing is forgotten', async () => {
  await using shop = await setup();
  shop.gitlab.faults.add({ on: '/api/', fault: { kind: 'status', status: 401 }, times: 1 });

  const down = (await shop.ask([shop.repo], NEVER)).get(1);
  const up = (await shop.ask([shop.repo], NEVER)).get(1);

  expect(down).toMatchObject({ code: 'FORGE_UNAUTHORIZED' });
  expect(up).toBe(await shop.gitlab.head(shop.project));
});

test('quiet repositories are answered from memory for the price of one list', async () => {
  await using shop = await withProjects(35);
  const readHeads = createHeadMemory({
    clock: systemClock,
    log: silentLog,
    ask: shop.ask,
    listActive: (since, signal) => listActiveProjects(shop.client, since, signal),
  });
  const before = await readHeads(shop.repos, NEVER);
  const [moved, dirty, ...quiet] = shop.repos;
  const project = [...shop.gitlab.state.projects.values()].find(({ path }) => path === moved?.path);
  if (!moved || !dirty || !project) {
    throw new Error('no projects');
  }
  const head = await shop.gitlab.push(project, { branch: 'main', by: shop.bot, files: { a: '1' } });
  project.lastActivityAt = new Date();
  shop.gitlab.forgetRequests();

  const after = await readHeads([moved, { ...dirty, dirtyAt: 'now' }, ...quiet], NEVER);

  expect(after.get(moved.id)).toBe(head);
  expect(quiet.every(({ id }) => after.get(id) === before.get(id))).toBe(true);
  expect(shop.gitlab.requests().map(({ method }) => method)).toEqual(['GET', 'POST']);
  expect(shop.gitlab.requests().at(-1)?.body).toMatchObject({ variables: { first: 2 } });
});

test('a group is discovered with what its globs say, page by page', async () => {
  await using shop = await setup();
  shop.gitlab.group('platform', [[shop.bot, 'developer']]);
  const team = shop.gitlab.group('platform/tools');
  for (let n = 0; n < 120; n += 1) {
    seedCopy(shop, `platform/tools/t${n}`).group = team;
  }
  await shop.gitlab.project('platform/old', {
    members: [[shop.bot, 'developer']],
    files: { a: '1' },
    archived: true,
  });
  const matches = (glob: string, text: string) =>
    new RegExp(`^${glob.replaceAll('*', '[^/]*')}$`).test(text);
  const find = (include: string[], exclude: string[]) =>
    listGroupProjects(
      { client: shop.client, matches },
      { group: 'platform', include, exclude },
      NEVER,
    );

  const all = await find([], []);
  const some = await find(['tools/t1*', 'platform/shop'], ['tools/t11*']);

  expect(all).toHaveLength(121);
  expect(some.map(({ path }) => path)).toHaveLength(1 + 1 + 10 + 20 - 11);
  expect(some.map(({ path }) => path)).toContain('platform/shop');
});
