import { readFile } from 'node:fs/promises';
import path from 'node:path';

import { expect, test } from 'vitest';

import { applyPolicy, minIntervalMs } from './apply-policy.ts';
import type { AutodevConfig } from './autodev.generated.ts';
import { effectivePolicy, explainPolicy, loadPolicy, localPolicy } from './policy.ts';
import type { LoadedPolicy } from './policy.ts';
import { resolveConfig } from './resolve.ts';

const REPO = 'platform/shop';

function policyOf(text: string): LoadedPolicy {
  const result = loadPolicy(`version: 1\nrules:\n${text}`);
  if (!result.ok) {
    throw new Error(JSON.stringify(result.diagnostics));
  }
  return result.policy;
}

function apply(text: string, config: Partial<AutodevConfig>) {
  const spec = resolveConfig({ version: 1, agents: { builder: {} }, ...config });
  return applyPolicy(spec, effectivePolicy(policyOf(text), REPO));
}

test('the example is valid', async () => {
  const file = path.join(import.meta.dirname, '../../examples/policy.yaml');

  const result = loadPolicy(await readFile(file));

  expect(result).toMatchObject({ ok: true, diagnostics: [] });
});

test('a broken policy says where', () => {
  const result = loadPolicy('version: 1\nrules:\n  - repos: ["**"]\n    alow: true\n');

  expect(result.diagnostics).toMatchObject([
    { code: 'unknown_key', path: 'rules.0.alow', line: 4, column: 5, corrected: '    allow: true' },
  ]);
});

test('for each key the last rule that matches and names it wins, and is named as its origin', () => {
  const policy = policyOf(
    [
      '  - repos: ["**"]',
      '    allow: false',
      '    ceilings: { attempt_usd: 5, attempts: 2 }',
      '  - { repos: ["platform/**"], allow: true, ceilings: { attempt_usd: 9 } }',
      '  - { repos: ["other/**"], allow: false }',
    ].join('\n'),
  );

  const effective = effectivePolicy(policy, REPO);

  expect(effective.rule).toMatchObject({
    allow: true,
    ceilings: { attempt_usd: 9, attempts: 2 },
  });
  expect(explainPolicy(effective, 'allow')).toEqual([
    { key: 'allow', value: true, origin: { file: 'policy.yaml', rule: 2, line: 6 } },
  ]);
  expect(
    explainPolicy(effective, 'ceilings').map(({ key, origin }) => [key, origin?.line]),
  ).toEqual([
    ['ceilings.attempt_usd', 6],
    ['ceilings.attempts', 5],
  ]);
  expect(explainPolicy(effective, 'command')).toEqual([
    { key: 'command', value: false, origin: undefined },
  ]);
});

test('a repository that no rule allows is refused, with the line that would allow it', () => {
  const { violations } = apply('  - { repos: ["other/**"], allow: true }', {});

  expect(violations).toMatchObject([
    { key: 'allow', remedy: expect.stringContaining('{ repos: ["platform/shop"], allow: true }') },
  ]);
});

test('a program in place of a model is denied until the policy says otherwise', () => {
  const config: Partial<AutodevConfig> = { providers: [{ name: 'command', run: ['x'] }] };

  const denied = apply('  - { repos: ["**"], allow: true }', config);
  const allowed = apply('  - { repos: ["**"], allow: true, command: true }', config);

  expect(denied.violations).toMatchObject([{ key: 'command', path: 'agents.builder.providers' }]);
  expect(allowed.violations).toEqual([]);
});

test('on one machine without a policy, programs may run and schedules may be each minute', () => {
  const effective = effectivePolicy(localPolicy(), '/home/me/project');
  const spec = resolveConfig({
    version: 1,
    agents: { builder: { providers: [{ name: 'command', run: ['x'] }] } },
  });

  const applied = applyPolicy(spec, effective);

  expect(applied).toMatchObject({ violations: [], clamped: [], warnings: [] });
  expect(applied.spec).toEqual(spec);
  expect(minIntervalMs(effective)).toBe(60_000);
});

test.each([
  ['models', { providers: [{ name: 'codex', model: 'gpt-9' }] }, 'models: ["claude-*"]'],
  ['providers', { providers: ['codex'] }, 'providers: [claude]'],
  ['agents', {}, 'agents: [pm]'],
  [
    'network',
    { agents: { builder: { network: { allow: ['a.example.org'] } } } },
    'network: ["*.other.org"]',
  ],
  ['auto_merge', { merge: 'auto' }, 'auto_merge: false'],
] satisfies [string, Partial<AutodevConfig>, string][])(
  '%s that the policy does not grant are refused',
  (key, config, rule) => {
    const { violations } = apply(`  - { repos: ["**"], allow: true, ${rule} }`, config);

    expect(violations.map((violation) => violation.key)).toEqual([key]);
  },
);

test.each([
  ['reject', { violations: 1, clamped: 0, warnings: 0, microUsd: 5_000_000 }],
  ['clamp', { violations: 0, clamped: 1, warnings: 0, microUsd: 2_000_000 }],
  ['warn', { violations: 0, clamped: 0, warnings: 1, microUsd: 5_000_000 }],
])('a ceiling that says %s', (mode, expected) => {
  const applied = apply(
    `  - { repos: ["**"], allow: true, ceilings: { attempt_usd: { max: 2, mode: ${mode} } } }`,
    { agents: { builder: { limits: { usd: 5 } } } },
  );

  expect({
    violations: applied.violations.length,
    clamped: applied.clamped.length,
    warnings: applied.warnings.length,
    microUsd: applied.spec.agents['builder']?.limits.microUsd,
  }).toEqual(expected);
});

test('a file without a budget gets the ceiling as one: no limit is above every limit', () => {
  const { spec, violations } = apply(
    '  - { repos: ["**"], allow: true, ceilings: { usd_per_day: 7, tokens_per_day: 1M } }',
    { budgets: { daily: null, monthly: null } },
  );

  expect(violations).toEqual([]);
  expect(spec.budgets).toMatchObject({
    'policy-usd-per-day': { microUsd: 7_000_000, per: 'day' },
    'policy-tokens-per-day': { tokens: 1_000_000 },
  });
});

test('clamping is a fixed point', () => {
  const rule =
    '  - { repos: ["**"], allow: true, floors: { approvals: 2, role: maintainer }, ceilings: { attempt_usd: { max: 1, mode: clamp }, usd_per_day: { max: 2, mode: clamp }, concurrency: { max: 1, mode: clamp } } }';
  const first = apply(rule, { agents: { builder: { concurrency: 5 } } });

  const second = applyPolicy(first.spec, effectivePolicy(policyOf(rule), REPO));

  expect(second.spec).toEqual(first.spec);
  expect(second.clamped).toEqual([]);
});

test('a floor raises every merge rule, and makes one where the file has none', () => {
  const rule = '  - { repos: ["**"], allow: true, floors: { approvals: 2, role: maintainer } }';

  const raised = apply(rule, {});
  const made = apply(rule, { approvals: { default: null } });

  expect(raised.spec.approvals['default']).toMatchObject({ approvals: 2, role: 'maintainer' });
  expect(made.spec.approvals['policy-default']).toMatchObject({ gate: 'merge', approvals: 2 });
});

test('paths that the policy protects are protected from every agent that may change any', () => {
  const rule = '  - { repos: ["**"], allow: true, floors: { protected_paths: ["infra/**"] } }';

  const { spec } = apply(rule, { agents: { builder: {}, pm: {} } });

  expect(spec.agents['builder']?.allow.merge_request?.protectedPaths).toEqual(['infra/**']);
  expect(spec.agents['pm']?.allow.merge_request).toBeUndefined();
});
