import { createServer } from 'node:net';

import { expect, test } from 'vitest';

import { FAILURE_NAMES, type FailureName, failureReply } from '../../../test/llm/scenarios.ts';
import type { LlmApi } from './api.ts';
import { APIS, KEY, openBench, simpleBody } from './gateway-fixture.ts';

/** What the worker sees, what it is charged, and what is known of the credential afterwards. */
interface Outcome {
  readonly status: number | 'cut';
  readonly charge: 'nothing' | 'input' | 'reservation';
  readonly exact: boolean;
  readonly credential?: 'throttled' | 'exhausted' | 'auth_error';
  /** Seconds until it is free again. */
  readonly seconds?: number;
}

const free = (status: number, rest: Partial<Outcome> = {}): Outcome => ({
  status,
  charge: 'nothing',
  exact: true,
  ...rest,
});

const OUTCOMES: Record<FailureName, (api: LlmApi) => Outcome> = {
  'rate limit': () => free(429, { credential: 'throttled', seconds: 7 }),
  'rate limit without header': () => free(429, { credential: 'throttled', seconds: 2.4 }),
  'usage limit': () => free(429, { credential: 'exhausted', seconds: 5_400 }),
  'out of credit': (api) =>
    free(api === 'responses' ? 429 : 400, { credential: 'exhausted', seconds: 3_600 }),
  'refused key': () => free(401, { credential: 'auth_error' }),
  forbidden: () => free(403),
  'unknown model': () => free(404),
  'server error': () => free(500),
  overloaded: (api) =>
    free(api === 'responses' ? 503 : 529, {
      credential: 'throttled',
      seconds: api === 'responses' ? 3 : 30,
    }),
  'overloaded in the stream': () => ({
    ...free(200, { credential: 'throttled', seconds: 30 }),
    charge: 'input',
    exact: false,
  }),
  'rate limit in the stream': () => ({
    ...free(200, { credential: 'throttled', seconds: 60 }),
    charge: 'input',
    exact: false,
  }),
  'cut stream': () => ({ status: 'cut', charge: 'reservation', exact: false }),
  malformed: () => ({ status: 200, charge: 'reservation', exact: false }),
  'silence before the answer': () => ({ status: 504, charge: 'reservation', exact: false }),
  'silence in the stream': () => ({ status: 'cut', charge: 'reservation', exact: false }),
  'bad JSON': () => ({ status: 200, charge: 'reservation', exact: false }),
  'a page': () => ({ status: 502, charge: 'nothing', exact: false }),
  'a redirect': () => ({ status: 502, charge: 'nothing', exact: false }),
};

const FAILURES = FAILURE_NAMES.flatMap((name) =>
  APIS.map((api) => ({ name, api, outcome: OUTCOMES[name](api) })),
);

test.concurrent.each(FAILURES)('$name ($api)', async ({ name, api, outcome }) => {
  const began = Date.now();
  await using bench = await openBench((asked) => failureReply(name, asked.api, began), {
    silenceMs: 1_000,
  });
  const attempt = bench.attach();

  const seen = await attempt.ask(api).catch(() => ({ status: 'cut', text: '' }) as const);
  const usage = await attempt.handle.detach();

  expect(seen.status).toBe(outcome.status);
  expect(usage.exact).toBe(outcome.exact);
  const { output } = usage.tokens;
  expect({ charge: usage.spent.microUsd > 0, output }).toEqual({
    charge: outcome.charge !== 'nothing',
    output: outcome.charge === 'reservation' ? 1_000 : 0,
  });
  const news = bench.news.at(-1);
  expect(news?.state).toBe(outcome.credential);
  const seconds = ((news?.until?.getTime() ?? began) - began) / 1_000;
  expect(seconds).toBeGreaterThan((outcome.seconds ?? 0) - 2);
  expect(seconds).toBeLessThan((outcome.seconds ?? 0) + 20);
  // Nothing is tried twice: the CLIs do that themselves.
  expect(bench.standIn.requests).toHaveLength(1);
});

test('a limit is passed on with the headers that say when to come back', async () => {
  await using bench = await openBench((asked) =>
    failureReply('usage limit', asked.api, Date.now()),
  );
  const attempt = bench.attach();

  const codex = await attempt.ask('responses');
  const claude = await attempt.ask('messages');

  expect(codex.headers.get('x-codex-primary-used-percent')).toBe('100');
  expect(codex.text).toContain('resets_at');
  expect(claude.headers.get('retry-after')).toBe('5400');
  expect(claude.headers.get('x-should-retry')).toBe('false');
  expect(attempt.events).toContainEqual(
    expect.objectContaining({ type: 'credential', credential: 'claude:default' }),
  );
});

test('a credential that works again is known to, and each success is not news', async () => {
  let fails = true;
  await using bench = await openBench((asked) =>
    fails ? failureReply('rate limit', asked.api, Date.now()) : { kind: 'text' },
  );
  const attempt = bench.attach();

  await attempt.ask('messages');
  fails = false;
  await attempt.ask('messages');
  await attempt.ask('messages');

  expect(bench.news.map(({ name, state }) => `${name} ${state}`)).toEqual([
    'claude:default throttled',
    'claude:default ok',
  ]);
});

test('a provider that nobody can reach costs nothing and is said so', async () => {
  await using bench = await openBench();
  const attempt = bench.attach();
  await bench.standIn[Symbol.asyncDispose]();

  const { status, text } = await attempt.ask('responses');

  expect([status, text.includes('the provider cannot be reached (ECONNREFUSED)')]).toEqual([
    502,
    true,
  ]);
  expect(attempt.handle.usage()).toMatchObject({ exact: true, spent: { microUsd: 0, tokens: 0 } });
  expect(attempt.events).toContainEqual(expect.objectContaining({ type: 'unreachable' }));
});

test('a worker that goes away ends the call at the provider and pays for what it may have cost', async () => {
  await using bench = await openBench(() => ({ kind: 'hang', when: 'middle' }));
  const attempt = bench.attach();

  for (const api of APIS) {
    const gone = new AbortController();
    const response = await attempt.call(api, { signal: gone.signal });
    await response.body?.getReader().read();
    gone.abort();
  }

  await expect.poll(() => bench.standIn.abandoned, { timeout: 20_000 }).toBe(2);
  await expect.poll(() => attempt.handle.usage().held.microUsd, { timeout: 20_000 }).toBe(0);
  expect(attempt.handle.usage()).toMatchObject({ exact: false, tokens: { output: 2_000 } });
});

test('a flood and a slow reader are passed on at the reader’s pace', async () => {
  const text = 'x'.repeat(64 * 1_024);
  await using bench = await openBench(() => ({ kind: 'text', text, events: 256 }));
  const attempt = bench.attach();

  const answer = await attempt.ask('messages');

  expect(answer.text.length).toBeGreaterThan(256 * text.length);
  expect(attempt.handle.usage()).toMatchObject({ exact: true, tokens: { output: 45 } });
});

test('the key is in no answer, header, event, row or line of the log, however a provider quotes it', async () => {
  const quotes = [
    {
      kind: 'error',
      status: 401,
      code: KEY,
      message: `Incorrect key ${KEY}.`,
      headers: { 'x-request-id': KEY },
    },
    { kind: 'text', text: `Your key is ${KEY}`, events: 3 },
    { kind: 'raw', status: 200, type: 'application/json', body: `{"key":"${KEY}"` },
    { kind: 'raw', status: 500, type: 'text/plain', body: KEY.repeat(3) },
    { kind: 'raw', status: 200, type: `text/${KEY}`, body: KEY },
    { kind: 'failed', code: KEY },
    { kind: 'cut' },
  ] as const;
  await using bench = await openBench(
    ({ n }) => quotes[(n - 1) % quotes.length] ?? { kind: 'cut' },
  );
  const attempt = bench.attach();

  const seen: string[] = [];
  for (const api of [...quotes, ...quotes].map((_, i) => APIS[i < quotes.length ? 0 : 1])) {
    const answer = await attempt.ask(api ?? 'responses').catch((error: unknown) => ({ error }));
    seen.push(JSON.stringify('headers' in answer ? [answer.text, [...answer.headers]] : answer));
  }
  await attempt.ask('responses', { body: { ...simpleBody('responses'), shiny: 1 } });
  await attempt.handle.detach();

  expect(bench.standIn.requests).toHaveLength(14);
  const all = JSON.stringify([seen, attempt.events, bench.stored, bench.news, bench.logged]);
  expect(all).not.toContain(KEY);
  expect(all).not.toContain(KEY.slice(3, 30));
});

test('a provider that accepts and closes at once is not asked again', async () => {
  let connections = 0;
  const closer = createServer((socket) => {
    connections += 1;
    socket.once('data', () => socket.destroy());
  });
  await new Promise<void>((resolve) => closer.listen(0, '127.0.0.1', resolve));
  const bound = closer.address();
  const url = `http://127.0.0.1:${typeof bound === 'object' && bound !== null ? bound.port : 0}`;
  await using bench = await openBench(undefined, { baseUrls: { codex: `${url}/v1`, claude: url } });
  const attempt = bench.attach();

  const { status } = await attempt.ask('messages');

  expect([status, connections]).toEqual([502, 1]);
  expect(attempt.handle.usage()).toMatchObject({ exact: false, tokens: { output: 1_000 } });
  closer.close();
});

test('a database that is away delays the books and stops nothing', async () => {
  let isAway = true;
  await using bench = await openBench(undefined, {
    store: () => (isAway ? Promise.reject(new Error('away')) : Promise.resolve()),
  });
  const attempt = bench.attach();

  const { status } = await attempt.ask('responses');
  const usage = await attempt.handle.detach();
  isAway = false;

  expect([status, usage.calls]).toEqual([200, 1]);
  expect(bench.logged.join()).toContain('usage could not be booked');
  await expect.poll(() => bench.stored, { timeout: 20_000 }).toHaveLength(1);
});

test('two hundred streams at once each arrive whole and are metered', async () => {
  await using bench = await openBench(() => ({
    kind: 'text',
    text: 'word ',
    events: 20,
    gapMs: 10,
  }));
  const attempts = Array.from({ length: 50 }, () => bench.attach());

  const answers = await Promise.all(
    attempts.flatMap((attempt) =>
      Array.from({ length: 4 }, (_, i) => attempt.ask(APIS[i % 2] ?? 'responses')),
    ),
  );

  expect(answers.filter(({ status }) => status === 200)).toHaveLength(200);
  const usages = attempts.map(({ handle }) => handle.usage());
  expect(
    usages.every(({ exact, calls, tokens }) => exact && calls === 4 && tokens.output === 180),
  ).toBe(true);
});
