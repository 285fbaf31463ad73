import { expect } from 'vitest';

import { test } from '../../test/database.ts';
import { sql } from '../db/sql.ts';
import { KEYS } from './gateway-fixture.ts';
import { CALL, ENOUGH, openModels, working } from './model-fixture.ts';
import { openRunnerFixture } from './runner-fixture.ts';

/** Commands that never end the work: each is another one, so that it is no loop. */
const ENDLESS = Array.from({ length: 60 }, (_, i) => `echo ${i} >> src/add.txt`);

test('an attempt is warned at 80 % of what it may spend, ends there, and never spends more', async ({
  db,
}) => {
  await using s = await openRunnerFixture(db);
  const dear = 480 + 2000 * 10;
  await using models = await openModels(s, (request) => ({
    ...working(...ENDLESS)(request),
    usage: { output: 2000 },
  }));
  const limits = { ...ENOUGH, microUsd: 300_000, turns: 100, attempts: 3 };
  await s.apply({ builder: { providers: [{ name: 'claude' }], limits } });
  const id = await s.queue();

  s.start(models.deps);
  const job = await s.until(id, 'publishing', 'failed', 'waiting');

  expect(job).toMatchObject({ state: 'failed', reason: 'budget', attempts: 1 });
  expect(job.detail).toBe('The budget of this attempt is used up.');
  expect(job.microUsd).toBe(models.standIn.requests.length * dear);
  expect(job.microUsd).toBeGreaterThan(240_000);
  expect(job.microUsd).toBeLessThanOrEqual(300_000);
  expect(await db.query(sql`select sum(micro_usd)::int as sum from ledger`)).toEqual([
    { sum: job.microUsd },
  ]);
  expect(await s.transcript(id)).toContain('80 % of what this attempt may spend is spent.');
});

test('the ledger has what a running attempt has spent long before it ends', async ({ db }) => {
  await using s = await openRunnerFixture(db);
  await using models = await openModels(s, working('echo two >> src/add.txt', 'sleep 60'));
  const limits = { ...ENOUGH, wallMs: 100_000, idleMs: 100_000 };
  await s.apply({ builder: { providers: [{ name: 'codex' }], limits } });
  await s.queue();
  s.start(models.deps);

  const booked = () => db.query(sql`select sum(micro_usd)::int as sum from ledger where exact`);
  await expect
    .poll(booked, { timeout: 30_000, interval: 20 })
    .toEqual([{ sum: 2 * CALL.microUsd }]);

  expect(await db.query(sql`select ended_at from attempt`)).toEqual([{ ended_at: null }]);
});

test('what a job spends is settled in the budget that it was claimed in', async ({ db }) => {
  await using s = await openRunnerFixture(db);
  await using models = await openModels(s, working('echo two >> src/add.txt'));
  await s.apply(
    { builder: { providers: [{ name: 'codex' }], limits: ENOUGH } },
    {
      budgets: {
        daily: { scope: 'repo', per: 'day', microUsd: 50_000_000, warn: 0.8, onExhausted: 'wait' },
      },
    },
  );
  const id = await s.queue();
  s.start(models.deps);

  const job = await s.until(id, 'publishing', 'failed');

  expect(job.microUsd).toBe(2 * CALL.microUsd);
  expect(await db.query(sql`select spent::int, reserved::int from budget_window`)).toEqual([
    { spent: 2 * CALL.microUsd, reserved: 0 },
  ]);
});

test('an attempt that a budget gave less than its limit waits for that budget when it is used up', async ({
  db,
}) => {
  await using s = await openRunnerFixture(db);
  await using models = await openModels(s, working(...ENDLESS));
  await s.apply(
    {
      builder: {
        providers: [{ name: 'codex' }],
        limits: { ...ENOUGH, microUsd: 200_000, turns: 100 },
      },
    },
    {
      budgets: {
        daily: { scope: 'repo', per: 'day', microUsd: 50_000, warn: 0.8, onExhausted: 'wait' },
      },
    },
  );
  const id = await s.queue();
  s.start(models.deps);

  const job = await s.until(id, 'waiting', 'failed');

  expect(job).toMatchObject({ state: 'waiting', waitReason: 'budget', reason: 'budget' });
  expect(job.microUsd).toBeLessThanOrEqual(50_000);
  expect(job.input.map(({ kind }) => kind)).toEqual(['hand_over']);
});

test('a program of the repository that may ask a model is metered, and sees no key', async ({
  db,
}) => {
  await using s = await openRunnerFixture(db);
  await using models = await openModels(s, () => ({ kind: 'text', text: 'two' }));
  const ask = (url: string, header: string, body: object): string =>
    `await fetch(${url}, {method:'POST', headers:{'content-type':'application/json', ${header}}, body: JSON.stringify(${JSON.stringify(body)})}).then(r => r.text())`;
  const program = `
    const {env} = process;
    const a = ${ask("env.OPENAI_BASE_URL + '/responses'", "authorization: 'Bearer ' + env.OPENAI_API_KEY", { model: 'gpt-test', input: 'Say two.' })};
    const b = ${ask("env.ANTHROPIC_BASE_URL + '/v1/messages'", "'x-api-key': env.ANTHROPIC_API_KEY", { model: 'claude-test', max_tokens: 100, messages: [{ role: 'user', content: 'Say two.' }] })};
    require('fs').appendFileSync('src/add.txt', 'two');
    console.log(a, b, JSON.stringify(env));`;
  s.commit({ '.autodev/agent.cjs': `(async () => {${program}})();` });
  await s.apply({
    builder: {
      providers: [{ name: 'command', run: ['node', '.autodev/agent.cjs'], llm: true }],
      limits: ENOUGH,
    },
  });
  const id = await s.queue();
  s.start(models.deps);

  const job = await s.until(id, 'publishing', 'failed');

  expect([job.state, job.detail]).toEqual(['publishing', 'The work is done.']);
  expect(job.microUsd).toBe(2 * CALL.microUsd);
  const transcript = await s.transcript(id);
  expect(transcript).toContain('OPENAI_BASE_URL');
  expect(transcript).not.toContain(KEYS.codex.key);
  expect(transcript).not.toContain(KEYS.claude.key);
});

test('a program that may not ask a model has no gateway, spends nothing and waits for no budget', async ({
  db,
}) => {
  await using s = await openRunnerFixture(db);
  await using models = await openModels(s, () => ({ kind: 'text' }));
  await s.apply(
    { builder: { worker: 'env; ls /run; echo two >> src/add.txt' } },
    {
      budgets: { none: { scope: 'repo', per: 'day', microUsd: 1, warn: 0.8, onExhausted: 'fail' } },
    },
  );
  const id = await s.queue();
  s.start(models.deps);

  const job = await s.until(id, 'publishing', 'failed');

  expect(job).toMatchObject({ state: 'publishing', microUsd: 0, tokens: 0 });
  expect(await s.transcript(id)).not.toMatch(/BASE_URL|llm\.sock/);
});
