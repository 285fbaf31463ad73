import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { inspect } from 'node:util';

import { expect, test } from 'vitest';

import type { Fault } from '../../../test/gitlab/faults.ts';
import { systemClock } from '../../kernel/clock.ts';
import { AppError } from '../../kernel/errors.ts';
import { createGitlabClient } from './client.ts';
import { NEVER, openBudget, startShop } from './gitlab-forge-fixture.ts';
import { createTokenSource } from './token.ts';

async function failure(work: Promise<unknown>): Promise<AppError> {
  const error: unknown = await work.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof AppError)) {
    throw new TypeError(`no AppError: ${inspect(error)}`);
  }
  return error;
}

test.each<[string, Fault]>([
  ['an error of the server', { kind: 'status', status: 500 }],
  ['a gateway that is away', { kind: 'html', status: 502 }],
  ['a sign-in page', { kind: 'html' }],
  ['broken JSON', { kind: 'bad_json' }],
  ['half an answer', { kind: 'half' }],
  ['a broken connection', { kind: 'reset' }],
])('a read is asked again after %s', async (_name, fault) => {
  await using shop = await startShop();
  shop.gitlab.faults.add({ on: '/projects/', fault, times: 2 });

  const project = await shop.client.api(NEVER).projects.show('platform/shop');

  expect(project.id).toBe(shop.project.id);
  expect(shop.gitlab.requests()).toHaveLength(3);
});

test.each<[string, Fault, number]>([
  ['its answer is lost', { kind: 'reset', after: true }, 1],
  ['its answer is broken', { kind: 'bad_json' }, 1],
  ['a gateway fails', { kind: 'status', status: 502 }, 0],
])('a write is never repeated blindly: %s', async (_name, fault, made) => {
  await using shop = await startShop();
  shop.gitlab.faults.add({ on: /^POST .*issues/, fault });

  const error = await failure(shop.client.api(NEVER).issues.create('platform/shop', 'Once'));

  expect(error.code).toBe('FORGE_UNCERTAIN');
  expect(shop.gitlab.requests()).toHaveLength(1);
  expect(shop.gitlab.state.issues).toHaveLength(made);
});

test('a write that the answer proves was not taken is sent again', async () => {
  const budget = openBudget();
  await using shop = await startShop({}, { budget });
  shop.gitlab.faults.add({
    on: /^POST .*issues/,
    fault: { kind: 'status', status: 429, retryAfter: '1' },
  });

  const startedAt = performance.now();
  await shop.client.api(NEVER).issues.create('platform/shop', 'Once');

  expect(performance.now() - startedAt).toBeGreaterThan(990);
  expect(shop.gitlab.state.issues).toHaveLength(1);
  expect(budget.blocks).toEqual([1000]);
});

test('an hour of refusal is told at once instead of waited for', async () => {
  await using shop = await startShop();
  shop.gitlab.faults.add({
    on: '/projects/',
    fault: { kind: 'status', status: 429, retryAfter: '3600' },
  });

  const error = await failure(shop.client.api(NEVER).projects.show(1));

  expect(error).toMatchObject({ code: 'FORGE_RATE_LIMITED', details: { retryAfterMs: 3_600_000 } });
});

test('a refusal without any header is waited for, longer each time', async () => {
  const budget = openBudget();
  await using shop = await startShop({}, { budget });
  shop.gitlab.faults.add({ on: '/projects/', fault: { kind: 'status', status: 429 } });

  await shop.client.api(NEVER).projects.show('platform/shop');

  expect(budget.blocks).toEqual([2000]);
});

test('a redirect is refused, so that the token goes nowhere else', async () => {
  await using shop = await startShop();
  shop.gitlab.faults.add({
    on: '/projects/',
    fault: { kind: 'redirect', location: 'http://127.0.0.1:1/stolen' },
  });

  const error = await failure(shop.client.api(NEVER).projects.show(1));

  expect(error.code).toBe('FORGE_REDIRECTED');
  expect(error.remedy).toContain('GITLAB_URL');
});

test('a server that never answers is given up in time', async () => {
  await using shop = await startShop({}, { limits: { tryMs: 50, totalMs: 300, backoffMs: 10 } });
  shop.gitlab.faults.add({ on: '/projects/', fault: { kind: 'hang' }, times: 100 });

  const error = await failure(shop.client.api(NEVER).projects.show(1));

  expect(error.code).toBe('FORGE_UNREACHABLE');
  expect(shop.gitlab.requests().length).toBeGreaterThan(1);
});

test('an answer without end is cut off', async () => {
  await using shop = await startShop({}, { limits: { maxBytes: 100 } });

  const error = await failure(shop.client.api(NEVER).projects.show('platform/shop'));

  expect(error.code).toBe('TOO_LARGE');
});

test('a call ends with its signal', async () => {
  await using shop = await startShop();
  shop.gitlab.faults.add({ on: '/projects/', fault: { kind: 'hang' } });
  const stop = new AbortController();

  const pending = failure(shop.client.api(stop.signal).projects.show(1));
  await expect.poll(() => shop.gitlab.requests().length).toBe(1);
  stop.abort();

  expect((await pending).code).toBe('UNAVAILABLE');
});

test.each<[number, string]>([
  [401, 'FORGE_UNAUTHORIZED'],
  [403, 'FORGE_FORBIDDEN'],
  [404, 'FORGE_NOT_FOUND'],
  [409, 'FORGE_CONFLICT'],
  [422, 'FORGE_REFUSED'],
])(
  'status %i is told as %s, and nothing that is printed of it has the token',
  async (status, code) => {
    await using shop = await startShop();
    shop.gitlab.faults.add({ on: '/projects/', fault: { kind: 'status', status } });

    const error = await failure(shop.client.api(NEVER).projects.show(1));

    expect(error.code).toBe(code);
    expect(inspect(error, { depth: 10, showHidden: true })).not.toContain(shop.secret);
    expect(JSON.stringify(error)).not.toContain(shop.secret);
  },
);

test('a token that a server repeats is taken out of what it said', () => {
  const token = createTokenSource({ value: 'glpat-secret' });

  const said = token.redact(`bad token glpat-secret, ${btoa('oauth2:glpat-secret')}`);

  expect(said).toBe('bad token [GITLAB_TOKEN], [GITLAB_TOKEN]');
});

test('a token that was rotated is read from its file, also while a request is on its way', async () => {
  await using shop = await startShop();
  const folder = await mkdtemp(path.join(tmpdir(), 'autodev-token-'));
  const file = path.join(folder, 'token');
  const [first, second] = [shop.gitlab.token(shop.bot), shop.gitlab.token(shop.bot)];
  await writeFile(file, `${first.value}\n`);
  const client = createGitlabClient({
    url: shop.gitlab.url,
    token: createTokenSource({ value: first.value, file }),
    budget: openBudget(),
    clock: systemClock,
  });
  await client.api(NEVER).projects.show('platform/shop');

  first.revoked = true;
  const revoked = await failure(client.api(NEVER).projects.show('platform/shop'));
  await writeFile(file, `${second.value}-not-whole-yet`);
  await writeFile(file, second.value);
  const again = await client.api(NEVER).projects.show('platform/shop');
  await rm(folder, { recursive: true });

  expect(revoked.code).toBe('FORGE_UNAUTHORIZED');
  expect(again.id).toBe(shop.project.id);
});

test.each([
  'gitlab.example.org',
  'ftp://x',
  'https://user:pw@x.org',
  'https://x.org?private_token=1',
])('the address %s is refused before anything is sent', (url) => {
  const deps = { token: createTokenSource({ value: 't' }), budget: openBudget() };

  expect(() => createGitlabClient({ ...deps, url, clock: systemClock })).toThrow(/GITLAB_URL/);
});
