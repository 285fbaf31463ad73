import { expect, test } from 'vitest';

import type { Gitlab } from '../../../test/gitlab/gitlab.ts';
import { systemClock } from '../../kernel/clock.ts';
import { checkGitlab } from './check.ts';
import { createGitlabClient } from './client.ts';
import { NEVER, openBudget, startShop } from './gitlab-forge-fixture.ts';
import { createPeople } from './people.ts';
import { createTokenSource } from './token.ts';

async function check(
  token: Parameters<Gitlab['token']>[1],
  options: Parameters<typeof startShop>[0] = {},
) {
  await using shop = await startShop(options);
  const { value } = shop.gitlab.token(shop.bot, token);
  const client = createGitlabClient({
    url: shop.gitlab.url,
    token: createTokenSource({ value }),
    budget: openBudget(),
    clock: systemClock,
  });
  return await checkGitlab({ client, people: createPeople({ client, clock: systemClock }) }, NEVER);
}

test('a server and a token that fit are told with what they are', async () => {
  const checks = await check({});

  expect(checks).toEqual([
    {
      name: 'gitlab',
      ok: true,
      detail: expect.stringContaining('19.5'),
      remedy: expect.any(String),
    },
    { name: 'token', ok: true, detail: expect.stringMatching(/^autodev-bot, api, without an end/) },
  ]);
});

test('a token that may too little says which scope it lacks', async () => {
  const checks = await check({ scopes: ['read_api'] });

  expect(checks.at(-1)).toMatchObject({ name: 'token', ok: false });
  expect(checks.at(-1)?.detail).toContain('`api` is missing');
});

test('a token that is about to end, or ended, says so', async () => {
  const soon = await check({ expiresAt: new Date(systemClock.now().getTime() + 5 * 86_400_000) });
  const over = await check({ expiresAt: new Date(0) });

  expect(soon.at(-1)?.detail).toContain('it ends soon');
  expect(over).toMatchObject([{ name: 'token', ok: false }]);
});

test('a server that is too old is told', async () => {
  const [server] = await check({}, { version: '15.11.0' });

  expect(server).toMatchObject({ name: 'gitlab', ok: false });
});

test('an address where no GitLab is says what to look at', async () => {
  const client = createGitlabClient({
    url: 'http://127.0.0.1:1',
    token: createTokenSource({ value: 't' }),
    budget: openBudget(),
    clock: systemClock,
    limits: { totalMs: 50, backoffMs: 10 },
  });

  const [server] = await checkGitlab(
    { client, people: createPeople({ client, clock: systemClock }) },
    NEVER,
  );

  expect(server).toMatchObject({ name: 'gitlab', ok: false });
  expect(server?.remedy).toContain('GITLAB_URL');
});
