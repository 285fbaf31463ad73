import { mkdtemp, rm, stat } from 'node:fs/promises';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { expect, test } from 'vitest';

import { startLlmStandIn } from '../../../test/llm/stand-in.ts';
import { systemClock } from '../../kernel/clock.ts';
import { silentLog } from '../../kernel/log.ts';
import { PRICES } from '../prices-table.ts';
import { APIS, KEY, openBench, simpleBody } from './gateway-fixture.ts';
import { createAttemptToken, startGateway } from './gateway.ts';

const USED = { input: 300, cached: 800, cacheWrite: 100, output: 45 };
/** At the fixture's prices. */
const COST = 300 + 80 + 100 + 450;

for (const api of APIS) {
  test(`a streamed answer arrives as it was sent, and is metered exactly (${api})`, async () => {
    await using bench = await openBench();
    const attempt = bench.attach();

    const { status, text } = await attempt.ask(api);
    const usage = await attempt.handle.detach();

    expect(status).toBe(200);
    expect(text).toContain('stand-in');
    expect(usage).toEqual({
      tokens: USED,
      spent: { microUsd: COST, tokens: 445 },
      held: { microUsd: 0, tokens: 0 },
      exact: true,
      calls: 1,
    });
    expect(attempt.events).toEqual([
      expect.objectContaining({
        type: 'call',
        tokens: USED,
        microUsd: COST,
        exact: true,
        status: 200,
      }),
    ]);
  });

  test(`an answer in one document is metered exactly too (${api})`, async () => {
    await using bench = await openBench();
    const attempt = bench.attach();

    const { status } = await attempt.ask(api, { body: { ...simpleBody(api), stream: false } });

    expect(status).toBe(200);
    expect(attempt.handle.usage()).toMatchObject({ tokens: USED, exact: true });
  });

  test(`the key goes to the provider and the token does not (${api})`, async () => {
    await using bench = await openBench();
    const attempt = bench.attach();

    await attempt.ask(api, { headers: { 'x-stainless-os': 'Linux', 'x-codex-window-id': 'w' } });

    const [request_] = bench.standIn.requests;
    const given = request_?.headers[api === 'responses' ? 'authorization' : 'x-api-key'];
    expect(given).toBe(api === 'responses' ? `Bearer ${KEY}` : KEY);
    expect(JSON.stringify(request_)).not.toContain(attempt.token);
    expect(request_?.headers).not.toHaveProperty('x-stainless-os');
    expect(request_?.headers).not.toHaveProperty('x-codex-window-id');
  });
}

test('a first event is passed on long before the last', async () => {
  await using bench = await openBench(() => ({ kind: 'hang', when: 'middle' }));
  const attempt = bench.attach();

  const response = await attempt.call('responses');
  const first = await response.body?.getReader().read();

  expect(Buffer.from(first?.value ?? []).toString()).toContain('response.created');
  expect(attempt.handle.usage().held.microUsd).toBeGreaterThan(0);
});

test('only betas that are known are asked for', async () => {
  await using bench = await openBench();
  const attempt = bench.attach();

  await attempt.ask('messages', {
    headers: { 'anthropic-beta': 'effort-2025-11-24,mcp-client-2025-04-04, claude-code-20250219' },
  });
  await attempt.ask('messages', { headers: { 'anthropic-beta': 'files-api-2025-04-14' } });

  expect(bench.standIn.requests.map(({ headers }) => headers['anthropic-beta'])).toEqual([
    'effort-2025-11-24,claude-code-20250219',
    undefined,
  ]);
});

test('what is not offered is refused in the form of the API, and reaches nobody', async () => {
  await using bench = await openBench();
  const attempt = bench.attach({
    limits: { maxOutput: 10, calls: 100, callsPerMinute: 100, parallel: 4 },
  });
  const at = async (url: string, init: RequestInit = {}): Promise<number> => {
    const headers = { authorization: `Bearer ${attempt.token}` };
    const response = await fetch(`${bench.gateway.address}${url}`, { headers, ...init });
    await response.text();
    return response.status;
  };

  const statuses = [
    await at('/v1/models'),
    await at('/v1/files', { method: 'POST', body: '{}' }),
    await at('/v1/messages/count_tokens', { method: 'POST', body: '{}' }),
    await at('/v1/responses/../files', { method: 'POST', body: '{}' }),
    await at('/v1/responses', { headers: { authorization: 'Bearer adt_guess' }, method: 'POST' }),
  ];
  const search = await attempt.ask('messages', {
    body: { ...simpleBody('messages'), tools: [{ type: 'web_search_20250305', name: 's' }] },
  });
  const background = await attempt.ask('responses', {
    body: { ...simpleBody('responses'), background: true },
  });
  const zipped = await attempt.ask('responses', { headers: { 'content-encoding': 'zstd' } });

  expect(statuses).toEqual([404, 404, 404, 404, 403]);
  expect(JSON.parse(search.text)).toEqual({
    type: 'error',
    error: {
      type: 'invalid_request_error',
      message: 'Auto-Dev gateway: tools[0].type: "web_search_20250305" is not allowed',
    },
  });
  expect(search.headers.get('x-should-retry')).toBe('false');
  expect(JSON.parse(background.text)).toEqual({
    error: {
      message: 'Auto-Dev gateway: background: this field is not allowed',
      type: 'invalid_request_error',
      param: null,
      code: 'autodev_refused',
    },
  });
  expect(zipped.status).toBe(415);
  expect(bench.standIn.requests).toEqual([]);
  expect(attempt.handle.usage().spent.microUsd).toBe(0);
});

test('an attempt asks only the provider that it has access to', async () => {
  await using bench = await openBench();
  const attempt = bench.attach({
    access: { claude: { credential: 'c', key: KEY, models: ['claude-test'] } },
  });

  expect((await attempt.ask('responses')).status).toBe(403);
  expect((await attempt.ask('messages')).status).toBe(200);
});

test('each attempt is known by its token, metered apart, and gone when it is detached', async () => {
  await using bench = await openBench();
  const [one, other] = [bench.attach(), bench.attach()];

  await one.ask('responses');
  await one.ask('messages');
  await other.ask('messages');
  const usage = await one.handle.detach();
  const after = await one.ask('messages');

  expect(usage.calls).toBe(2);
  expect(other.handle.usage().calls).toBe(1);
  expect(after.status).toBe(403);
  expect(() => bench.attach({ token: other.token })).toThrow('the token is in use');
});

test('detaching ends calls under way and charges what was held for them', async () => {
  await using bench = await openBench(() => ({ kind: 'hang', when: 'middle' }));
  const attempt = bench.attach();
  const response = await attempt.call('messages');
  const ended = response.text().then(
    () => 'whole',
    () => 'cut',
  );
  const { held } = attempt.handle.usage();

  const usage = await attempt.handle.detach();

  expect(await ended).toBe('cut');
  expect(held.microUsd).toBeGreaterThan(10_000);
  // Anthropic counts the input at once; the output may have been all that was allowed.
  expect(usage).toMatchObject({ exact: false, tokens: { input: 300, output: 1_000 } });
  expect(bench.stored.at(-1)).toMatchObject({ exact: false, microUsd: usage.spent.microUsd });
});

test('a call is booked with what is held for it while it runs, then with what it used', async () => {
  await using bench = await openBench(() => ({ kind: 'text', events: 40, gapMs: 20 }));
  const attempt = bench.attach();

  await attempt.ask('responses');
  await attempt.handle.detach();

  const [held, used] = bench.stored;
  expect(held).toMatchObject({ exact: false, output: 1_000 });
  expect(used).toMatchObject({
    repoId: 1,
    jobId: 1,
    attempt: 1,
    request: held?.request,
    provider: 'codex',
    model: 'gpt-test',
    ...USED,
    microUsd: COST,
    exact: true,
  });
});

test('a model without a price is metered at the dearest one’s and marked', async () => {
  await using bench = await openBench();
  const attempt = bench.attach({
    access: { codex: { credential: 'c', key: KEY, models: ['new-model'] } },
  });

  await attempt.ask('responses', { body: { ...simpleBody('responses'), model: 'new-model' } });

  expect(attempt.handle.usage()).toMatchObject({ exact: false, spent: { microUsd: COST } });
});

test('it listens on a socket that other accounts can reach, and leaves none behind', async () => {
  const folder = await mkdtemp(path.join(tmpdir(), 'autodev-gateway-'));
  const socketPath = path.join(folder, 'llm.sock');
  await using standIn = await startLlmStandIn(() => ({ kind: 'text' }));
  const gateway = await startGateway(
    {
      clock: systemClock,
      log: silentLog,
      prices: () => PRICES,
      storeUsage: () => Promise.resolve(),
      onCredential: () => {},
    },
    { listen: { socketPath }, baseUrls: standIn.baseUrls },
  );

  const mode = (await stat(socketPath)).mode & 0o777;
  const status = await new Promise((resolve, reject) => {
    request({ socketPath, path: '/v1/models' }, (response) => resolve(response.statusCode))
      .on('error', reject)
      .end();
  });
  await gateway.close();

  expect([mode.toString(8), status]).toEqual(['666', 403]);
  await expect(stat(socketPath)).rejects.toMatchObject({ code: 'ENOENT' });
  await rm(folder, { recursive: true });
});

test('a base URL that is none is refused at the start', async () => {
  const deps = {
    clock: systemClock,
    log: silentLog,
    prices: () => PRICES,
    storeUsage: () => Promise.resolve(),
    onCredential: () => {},
  };
  const baseUrls = { codex: 'not a url', claude: 'https://api.anthropic.com' };

  await expect(startGateway(deps, { listen: { port: 0 }, baseUrls })).rejects.toMatchObject({
    code: 'SETTINGS_INVALID',
  });
  expect(createAttemptToken()).not.toBe(createAttemptToken());
});
