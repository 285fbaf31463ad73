import { readFile } from 'node:fs/promises';
import path from 'node:path';

import * as fc from 'fast-check';
import { expect, test } from 'vitest';

import { AGENTS } from '../domain/agent.ts';
import type { AutodevConfig } from './autodev.generated.ts';
import { loadConfig } from './load.ts';
import { printResolved, toFile } from './print.ts';
import { resolveConfig } from './resolve.ts';

const EXAMPLE = path.join(import.meta.dirname, '../../examples/autodev.yaml');

test('providers that the file leaves out are those that have a credential', () => {
  const config: AutodevConfig = { version: 1, agents: ['pm'] };

  const both = resolveConfig(config).agents['pm']?.providers;
  const claude = resolveConfig(config, { credentials: ['claude'] }).agents['pm']?.providers;

  expect(both).toEqual([{ name: 'codex' }, { name: 'claude' }]);
  expect(claude).toEqual([{ name: 'claude' }]);
});

test('an agent that is short for nothing gets what its role may write', () => {
  const { agents } = resolveConfig({ version: 1, agents: [...AGENTS] });

  const types = Object.fromEntries(
    Object.entries(agents).map(([name, { allow }]) => [
      name,
      Object.keys(allow).filter((type) => !['memory', 'question', 'noop'].includes(type)),
    ]),
  );
  expect(types).toEqual({
    pm: ['comment', 'issue'],
    architect: ['comment', 'issue', 'hand_off'],
    builder: ['merge_request', 'comment', 'hand_off'],
    tester: ['merge_request', 'comment', 'hand_off'],
    devops: ['merge_request', 'comment', 'hand_off'],
    reviewer: ['review', 'comment'],
    security: ['review', 'comment'],
    'bug-finder': ['issue', 'hand_off'],
  });
  expect(agents['bug-finder']?.allow.hand_off?.agents).toEqual(['builder']);
});

test('allow replaces per type, fills what a rule leaves out, and false removes one', () => {
  const { agents } = resolveConfig({
    version: 1,
    agents: {
      builder: { allow: { merge_request: { paths: ['src/**'] }, comment: false, issue: true } },
      reviewer: {},
    },
  });

  expect(agents['builder']?.allow).toMatchObject({
    merge_request: { max: 1, maxPatchBytes: 524_288, paths: ['src/**'] },
    issue: { max: 3 },
    hand_off: { agents: ['reviewer'] },
  });
  expect(agents['builder']?.allow).not.toHaveProperty('comment');
});

test('a role hands work by default only to agents that the file lists', () => {
  const { agents } = resolveConfig({ version: 1, agents: ['builder', 'bug-finder'] });

  expect(agents['builder']?.allow).not.toHaveProperty('hand_off');
  expect(agents['bug-finder']?.allow.hand_off).toEqual({ max: 3, agents: ['builder'] });
});

test('a default budget stays until its period is named, and null removes it', () => {
  const budgets = (stated: AutodevConfig['budgets']) =>
    Object.keys(resolveConfig({ version: 1, agents: ['pm'], budgets: stated ?? {} }).budgets);

  expect(budgets({})).toEqual(['daily', 'monthly']);
  expect(budgets({ mine: { usd: 1, per: 'day' } })).toEqual(['mine', 'monthly']);
  expect(budgets({ daily: null })).toEqual(['monthly']);
  expect(budgets({ daily: { tokens: '1M', per: 'day' } })).toEqual([
    'daily',
    'default-daily',
    'monthly',
  ]);
  expect(budgets({ daily: { usd: 1, per: 'day', scope: 'pm' } })).toContain('default-daily');
});

test('the rule `default` stays where the file names others, and null removes it', () => {
  const rules = (approvals: NonNullable<AutodevConfig['approvals']>) =>
    Object.keys(resolveConfig({ version: 1, agents: ['pm'], approvals }).approvals);

  expect(rules({ more: { approvals: 2 } })).toEqual(['default', 'more']);
  expect(rules({ default: null })).toEqual([]);
});

test('a schedule narrows limits and never widens them', () => {
  const { schedules } = resolveConfig({
    version: 1,
    agents: { tester: { limits: { usd: 2, turns: 10 } } },
    schedules: {
      s: { agent: 'tester', cron: '0 2 * * *', with: { limits: { usd: 50, turns: 5 } } },
    },
  });

  expect(schedules['s']?.with.limits).toMatchObject({ microUsd: 2_000_000, turns: 5 });
});

test("the policy's defaults lie under the file and start no agent", () => {
  const spec = resolveConfig(
    { version: 1, agents: { pm: { concurrency: 2 } }, budgets: { mine: { usd: 1, per: 'day' } } },
    {
      policyDefaults: {
        timezone: 'Europe/Berlin',
        agents: { pm: { concurrency: 9, setup: ['x'] }, builder: {} },
        budgets: { daily: { usd: 5, per: 'day' }, monthly: { usd: 50, per: 'month' } },
      },
    },
  );

  expect(spec.timezone).toBe('Europe/Berlin');
  expect(Object.keys(spec.agents)).toEqual(['pm']);
  expect(spec.agents['pm']).toMatchObject({ concurrency: 2, setup: ['x'] });
  expect(Object.keys(spec.budgets).sort()).toEqual(['mine', 'monthly']);
});

test('staged at the top holds for every agent', () => {
  const spec = resolveConfig({ version: 1, mode: 'staged', agents: { pm: { mode: 'live' } } });

  expect(spec.agents['pm']?.mode).toBe('staged');
});

test('the example shows every agent and is valid; what it warns of is what nothing acts on yet', async () => {
  const text = await readFile(EXAMPLE);

  const loaded = await loadConfig(text, { readFile: async () => 'Small commits.' });

  expect(loaded.diagnostics.filter(({ code }) => code !== 'not_yet_effective')).toEqual([]);
  expect(loaded.ok && Object.keys(loaded.spec.agents).sort()).toEqual([...AGENTS].sort());
});

test('the resolved file resolves to itself', async () => {
  const loaded = await loadConfig(await readFile(EXAMPLE), { readFile: async () => 'Small.' });
  if (!loaded.ok) {
    throw new Error('the example is not valid');
  }

  const again = await loadConfig(printResolved(loaded.spec), { readFile: async () => 'Small.' });

  expect(again.ok && again.spec).toEqual(loaded.spec);
});

test('resolving twice changes nothing, whatever the file says', () => {
  const usd = fc.integer({ min: 1, max: 100 });
  const configs: fc.Arbitrary<AutodevConfig> = fc.record({
    version: fc.constant(1 as const),
    agents: fc
      .subarray([...AGENTS], { minLength: 1 })
      .chain((agents) =>
        fc.constant(Object.fromEntries(agents.map((agent) => [agent, { limits: { usd: 2 } }]))),
      ),
    budgets: fc.dictionary(
      fc.constantFrom('daily', 'monthly', 'other', 'default-daily'),
      fc.option(
        fc.record({ usd, per: fc.constantFrom('hour' as const, 'day' as const, 'month' as const) }),
      ),
      { noNullPrototype: true },
    ),
    approvals: fc.dictionary(
      fc.constantFrom('default', 'other'),
      fc.option(fc.record({ approvals: fc.integer({ min: 1, max: 9 }) })),
      { noNullPrototype: true },
    ),
  });

  fc.assert(
    fc.property(configs, (config) => {
      const once = resolveConfig(config);

      expect(resolveConfig(toFile(once))).toEqual(once);
    }),
  );
});
