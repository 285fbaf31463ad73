import { Gitlab as Client } from '@gitbeaker/rest';
import { expect, test } from 'vitest';

import { shop } from './shop-fixture.ts';

/** Adds projects without a commit, as many as asked for. */
async function many(count: number) {
  const setup = await shop();
  for (let number = 0; number < count; number += 1) {
    await setup.gitlab.project(`platform/many/p${number}`, { members: [[setup.bot, 'developer']] });
  }
  return setup;
}

test('offset pages carry totals and links', async () => {
  await using setup = await many(6);

  const first = await setup.ask('/projects?per_page=3&order_by=id&sort=asc&simple=true');
  const next = /<([^>]+)>; rel="next"/.exec(first.headers.get('link') ?? '')?.[1] ?? '';
  const second = await setup.ask(next);

  expect(first.headers.get('x-total')).toBe('7');
  expect(first.headers.get('x-next-page')).toBe('2');
  expect(second.body).toMatchObject([{ id: 4 }, { id: 5 }, { id: 6 }]);
  expect(second.headers.get('x-total-pages')).toBe('3');
});

test('keyset pages have a next link only, and a client that follows it sees every project once', async () => {
  await using setup = await many(6);
  const api = new Client({ host: setup.gitlab.url, oauthToken: setup.token });

  const all = await api.Projects.all({
    pagination: 'keyset',
    orderBy: 'id',
    sort: 'asc',
    perPage: 2,
    membership: true,
    simple: true,
  });
  const page = await setup.ask('/projects?pagination=keyset&order_by=id&sort=asc&per_page=2');
  const wrong = await setup.ask('/projects?pagination=keyset&order_by=name');

  expect(all.map(({ id }) => id)).toEqual([1, 2, 3, 4, 5, 6, 7]);
  expect(page.headers.get('x-total')).toBeNull();
  expect(page.headers.get('link')).toMatch(/id_after=2.*rel="next"/);
  expect(wrong.status).toBe(405);
});

test('a group lists its own projects, or with those of its subgroups', async () => {
  await using setup = await many(2);
  setup.gitlab.group('platform', [[setup.bot, 'developer']]);

  const own = await setup.ask('/groups/platform/projects?simple=true');
  const all = await setup.ask('/groups/platform/projects?include_subgroups=true&simple=true');

  expect([own.headers.get('x-total'), all.headers.get('x-total')]).toEqual(['1', '3']);
});

test('the time of the last activity moves only when it is more than an hour old', async () => {
  await using setup = await shop();
  const { gitlab, project, bot, ask } = setup;
  const window = (time: Date) =>
    ask(`/projects?last_activity_after=${encodeURIComponent(time.toISOString())}&simple=true`);
  const push = (branch: string) => gitlab.push(project, { branch, by: bot, files: { x: 'x' } });

  await gitlab.manualClock.advance(30 * 60_000);
  const before = gitlab.manualClock.now();
  await push('a');
  const early = await window(new Date(before.getTime() - 1000));
  await gitlab.manualClock.advance(31 * 60_000);
  await push('b');
  const late = await window(new Date(before.getTime() - 1000));

  expect([early.body, late.body]).toMatchObject([[], [{ id: project.id }]]);
});

test('an answer can be asked for again by its ETag, a raw file cannot', async () => {
  await using setup = await shop();
  const { ask, project } = setup;
  const path = `/projects/${project.id}`;

  const first = await ask(path);
  const same = await ask(path, { headers: { 'if-none-match': first.headers.get('etag') ?? '' } });
  const raw = await ask(`${path}/repository/files/README.md/raw?ref=main`);

  expect(same.status).toBe(304);
  expect(raw.headers.get('etag')).toBeNull();
  expect(raw.headers.get('cache-control')).toContain('no-store');
});

test('the budget is in the headers, and what is beyond it answers 429 until the window ends', async () => {
  await using setup = await shop();
  const { gitlab, ask } = setup;
  gitlab.rateLimit.change({ limit: 2, windowMs: 60_000 });

  const [first, , third] = [await ask('/user'), await ask('/user'), await ask('/user')];
  await gitlab.manualClock.advance(60_000);
  const later = await ask('/user');

  expect(first?.headers.get('ratelimit-remaining')).toBe('1');
  expect(third).toMatchObject({ status: 429, body: 'Retry later\n' });
  expect(third?.headers.get('retry-after')).toBe('60');
  expect(later.status).toBe(200);
});

test('a thousand projects that share one repository are made in a moment and read by their heads', async () => {
  await using setup = await shop();
  const { gitlab, project, bot, ask } = setup;
  for (let number = 0; number < 1000; number += 1) {
    await gitlab.project(`fleet/p${number}`, { codeOf: project, members: [[bot, 'developer']] });
  }

  const page = await ask('/projects?membership=true&simple=true&per_page=100&page=11');
  const branch = await ask('/projects/fleet%2Fp999/repository/branches/main');

  expect(page.headers.get('x-total')).toBe('1001');
  expect(branch.body).toMatchObject({ commit: { id: await gitlab.head(project) } });
});
