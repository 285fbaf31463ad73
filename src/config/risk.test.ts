import { expect, test } from 'vitest';

import { loosens, planChanges } from '../domain/plan.ts';
import type { AutodevConfig } from './autodev.generated.ts';
import { listObjects } from './objects.ts';
import { resolveConfig } from './resolve.ts';
import { riskOf } from './risk.ts';

const BASE: AutodevConfig = { version: 1, agents: { builder: {}, reviewer: {} } };

function risks(before: Partial<AutodevConfig>, after: Partial<AutodevConfig>): string[] {
  const objects = (config: Partial<AutodevConfig>) =>
    listObjects(resolveConfig({ ...BASE, ...config }));
  return planChanges(objects(after), objects(before), riskOf).flatMap(({ paths }) =>
    paths.map(({ risk }) => risk),
  );
}

const builder = (config: object): Partial<AutodevConfig> => ({
  agents: { builder: config, reviewer: {} },
});
const schedule = { agent: 'builder', cron: '0 2 * * *' } as const;

test.each<[string, Partial<AutodevConfig>, Partial<AutodevConfig>]>([
  ['more money', builder({ limits: { usd: 1 } }), builder({ limits: { usd: 2 } })],
  ['a lower limit left out', builder({ limits: { usd: 1 } }), builder({})],
  ['a limit over all attempts gone', builder({ limits: { job: { usd: 9 } } }), builder({})],
  [
    'another path to write',
    builder({ allow: { merge_request: { paths: ['a'] } } }),
    builder({ allow: { merge_request: { paths: ['a', 'b'] } } }),
  ],
  ['every path to write', builder({ allow: { merge_request: { paths: ['a'] } } }), builder({})],
  ['another output', builder({}), builder({ allow: { issue: true } })],
  ['out of the rehearsal', { mode: 'staged' }, {}],
  ['one agent more', {}, { agents: { builder: {}, reviewer: {}, pm: {} } }],
  ['a schedule more', {}, { schedules: { s: schedule } }],
  ['no budget any more', {}, { budgets: { monthly: null } }],
  ['no rule any more', {}, { approvals: { default: null } }],
  ['fewer votes', { approvals: { default: { approvals: 2 } } }, {}],
  [
    'anybody may start it',
    { triggers: { t: { agent: 'builder', event: 'push' } } },
    { triggers: { t: { agent: 'builder', event: 'push', from: 'guest' } } },
  ],
  ['merged by itself', {}, { merge: 'auto' }],
  ['another host', {}, { links: { allow: ['a.org'] } }],
])('%s loosens', (_, before, after) => {
  expect(risks(before, after)).toContain('loosens');
});

test.each<[string, Partial<AutodevConfig>, Partial<AutodevConfig>]>([
  ['less money', builder({}), builder({ limits: { usd: 1 } })],
  ['a limit over all attempts', builder({}), builder({ limits: { job: { usd: 9 } } })],
  ['only some paths', builder({}), builder({ allow: { merge_request: { paths: ['a'] } } })],
  ['one output less', builder({}), builder({ allow: { comment: false } })],
  ['an agent less', { agents: { builder: {}, reviewer: {}, pm: {} } }, {}],
  ['an agent disabled', {}, builder({ enabled: false })],
  ['one more budget', {}, { budgets: { hourly: { usd: 1, per: 'hour' } } }],
  ['a schedule less', { schedules: { s: schedule } }, {}],
  ['a higher role', {}, { approvals: { default: { role: 'maintainer' } } }],
])('%s tightens', (_, before, after) => {
  expect(new Set(risks(before, after))).toEqual(new Set(['tightens']));
});

test('another time zone is neutral, also for the schedules that carry it', () => {
  const found = risks(
    { schedules: { s: schedule } },
    { schedules: { s: schedule }, timezone: 'Europe/Berlin' },
  );

  expect(new Set(found)).toEqual(new Set(['neutral']));
});

test('what the schema does not know loosens', () => {
  expect(riskOf('agents.builder.invented', 1, 2)).toBe('loosens');
  expect(loosens(planChanges(listObjects(resolveConfig(BASE)), [])[0] ?? never())).toBe(true);
});

function never(): never {
  throw new Error('a plan against nothing has changes');
}

test.each([
  [undefined, ['a'], 'tightens'],
  [['a'], ['a', 'b'], 'tightens'],
  [['a', 'b'], ['a'], 'loosens'],
  [['a'], undefined, 'loosens'],
])('paths that the policy protects, from %o to %o', (before, after, risk) => {
  expect(riskOf('agents.builder.allow.merge_request.protectedPaths', before, after)).toBe(risk);
});
