import { expect, test } from 'vitest';

import { APIS, openBench, simpleBody } from './gateway-fixture.ts';

const LIMITS = { maxOutput: 2_000, calls: 1_000, callsPerMinute: 1_000, parallel: 4 };

for (const api of APIS) {
  test(`fifty calls at once at the edge of a budget spend it and no more (${api})`, async () => {
    // Each costs all the output that it may have, and the dearest kind of input.
    await using bench = await openBench(({ body, bytes }) => ({
      kind: 'text',
      events: 5,
      gapMs: 2,
      usage: {
        input: Math.ceil(bytes / 4),
        cached: 0,
        cacheWrite: 0,
        output: Number(body[api === 'responses' ? 'max_output_tokens' : 'max_tokens']),
      },
    }));
    const grant = { microUsd: 250_000, tokens: Number.POSITIVE_INFINITY };
    const attempt = bench.attach({ grant, limits: LIMITS });
    const body = {
      ...simpleBody(api, 'word '.repeat(2_000)),
      ...(api === 'messages' && { max_tokens: 2_000 }),
    };

    const answers = await Promise.all(Array.from({ length: 50 }, () => attempt.ask(api, { body })));
    const again = await attempt.ask(api, { body });
    const { spent, held, exact } = await attempt.handle.detach();

    const statuses = new Set(answers.map(({ status }) => status));
    expect(statuses).toEqual(new Set([200, 402]));
    expect(again.status).toBe(402);
    expect(JSON.parse(again.text)).toMatchObject({
      error: { message: 'Auto-Dev gateway: the budget of this attempt is used up' },
    });
    expect(spent.microUsd).toBeLessThanOrEqual(grant.microUsd);
    expect(spent.microUsd).toBeGreaterThan(grant.microUsd * 0.8);
    expect([held.microUsd, exact]).toEqual([0, true]);
    const types = attempt.events.map(({ type }) => type);
    expect(types.filter((type) => type === 'warning' || type === 'stop')).toEqual([
      'warning',
      'stop',
    ]);
    expect(bench.standIn.requests.length).toBe(
      answers.filter(({ status }) => status === 200).length,
    );
  });
}

test('input that is denser than any estimate overspends by one call’s error at most', async () => {
  const text = '好'.repeat(3_000); // three bytes each, and here as many tokens
  await using bench = await openBench(({ bytes }) => ({
    kind: 'text',
    usage: { input: bytes, cached: 0, cacheWrite: 0, output: 2_000 },
  }));
  const grant = { microUsd: 100_000, tokens: Number.POSITIVE_INFINITY };
  const attempt = bench.attach({ grant, limits: LIMITS });

  await Promise.all(
    Array.from({ length: 50 }, () =>
      attempt.ask('responses', { body: simpleBody('responses', text) }),
    ),
  );
  const { spent } = await attempt.handle.detach();

  const error = 9_200 * (2 / 3); // micro-USD: what a third of the bytes falls short of all of them
  expect(spent.microUsd).toBeLessThanOrEqual(grant.microUsd + error);
});

test('a limit of tokens holds like one of money, and cached input does not count against it', async () => {
  await using bench = await openBench(() => ({
    kind: 'text',
    usage: { input: 100, cached: 100_000, cacheWrite: 0, output: 900 },
  }));
  const grant = { microUsd: Number.POSITIVE_INFINITY, tokens: 8_000 };
  const attempt = bench.attach({ grant, limits: LIMITS });

  const statuses: number[] = [];
  for (let i = 0; i < 12; i += 1) {
    statuses.push((await attempt.ask('responses')).status);
  }

  expect(attempt.handle.usage().spent.tokens).toBeLessThanOrEqual(grant.tokens);
  expect(statuses.filter((status) => status === 200).length).toBeGreaterThanOrEqual(5);
  expect(statuses.at(-1)).toBe(402);
});

test('a loop is stopped by its calls, with a reason', async () => {
  await using bench = await openBench();
  const attempt = bench.attach({ limits: { ...LIMITS, callsPerMinute: 5 } });

  const answers = await Promise.all(Array.from({ length: 8 }, () => attempt.ask('responses')));

  expect(answers.filter(({ status }) => status === 402).length).toBeGreaterThanOrEqual(3);
  expect(attempt.events).toContainEqual(
    expect.objectContaining({ type: 'stop', reason: 'calls_per_minute' }),
  );
});
