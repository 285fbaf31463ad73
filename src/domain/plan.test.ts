import * as fc from 'fast-check';
import { expect, test } from 'vitest';

import { canonicalJson } from './canonical-json.ts';
import type { RiskOf } from './plan-paths.ts';
import { isMassPrune, planChanges, planDigestInput, summarizePlan } from './plan.ts';
import type { Change, ConfigKind, ConfigObject } from './plan.ts';

function object(kind: ConfigKind, name: string, spec: unknown, line = 1): ConfigObject {
  return { kind, name, spec, hash: canonicalJson(spec), line };
}

const agents = (count: number): ConfigObject[] =>
  Array.from({ length: count }, (_, i) => object('agent', `a${i}`, {}));

/** What the reconciler's transaction does, as a list. */
function applyChanges(actual: readonly ConfigObject[], changes: readonly Change[]): ConfigObject[] {
  const rows = new Map(actual.map((row) => [`${row.kind}/${row.name}`, row]));
  for (const { kind, name, after } of changes) {
    rows.delete(`${kind}/${name}`);
    if (after) {
      rows.set(`${kind}/${name}`, after);
    }
  }
  return [...rows.values()];
}

test('a new object is created, a changed one updated with its paths, a missing one retired', () => {
  const actual = [
    object('agent', 'builder', { limits: { tokens: 1, turns: 60 }, setup: ['a'] }),
    object('schedule', 'nightly', { cron: '0 2 * * *' }),
  ];
  const desired = [
    object('agent', 'builder', { limits: { tokens: 2, turns: 60 }, setup: ['a', 'b'] }),
    object('budget', 'daily', { tokens: 5 }),
  ];

  const changes = planChanges(desired, actual);

  expect(changes.map(({ action, kind, name }) => [action, kind, name])).toEqual([
    ['update', 'agent', 'builder'],
    ['create', 'budget', 'daily'],
    ['retire', 'schedule', 'nightly'],
  ]);
  expect(changes[0]?.paths).toEqual([
    { path: 'limits.tokens', before: 1, after: 2, risk: 'loosens' },
    { path: 'setup', before: ['a'], after: ['a', 'b'], risk: 'loosens' },
  ]);
});

test('objects of two kinds may share a name', () => {
  const both = [object('agent', 'tester', { a: 1 }), object('schedule', 'tester', { b: 1 })];

  expect(planChanges(both, both)).toEqual([]);
});

test('a property named like something that every object inherits is compared like any other', () => {
  const [change] = planChanges(
    [object('agent', 'pm', { env: { toString: 'a' } })],
    [object('agent', 'pm', { env: {} })],
  );

  expect(change?.paths).toMatchObject([{ path: 'env.toString', before: undefined, after: 'a' }]);
});

test('a move to another line is no change', () => {
  const before = object('agent', 'pm', {}, 3);

  expect(planChanges([object('agent', 'pm', {}, 9)], [before])).toEqual([]);
});

test('the risk of a change is asked with the path as it stands in the file', () => {
  const asked: string[] = [];
  const risk: RiskOf = (path) => {
    asked.push(path);
    return path.startsWith('approvals.') ? 'loosens' : 'neutral';
  };

  const changes = planChanges(
    [object('agent', 'pm', { mode: 'live' }), object('repo', 'repo', { timezone: 'UTC' })],
    [
      object('agent', 'pm', { mode: 'staged' }),
      object('repo', 'repo', {}),
      object('approval', 'two', {}),
    ],
    risk,
  );

  expect(asked).toEqual(['agents.pm.mode', 'timezone', 'approvals.two']);
  expect(summarizePlan(changes)).toEqual({ create: 0, update: 2, retire: 1, loosening: 1 });
});

test('without a judge of risk everything loosens', () => {
  expect(summarizePlan(planChanges([object('agent', 'pm', {})], [])).loosening).toBe(1);
});

test.each([
  { actual: 3, kept: 0, held: false },
  { actual: 4, kept: 0, held: true },
  { actual: 6, kept: 3, held: false },
  { actual: 8, kept: 4, held: false },
  { actual: 8, kept: 3, held: true },
])('retiring all but $kept of $actual objects is held: $held', ({ actual, kept, held }) => {
  const changes = planChanges(agents(kept), agents(actual));

  expect(isMassPrune(changes, { actualCount: actual, limits: { share: 0.5, count: 3 } })).toBe(
    held,
  );
});

test('the digest follows what changes, not the order in which it was found', () => {
  const [one, two] = [object('agent', 'pm', { a: 1 }), object('agent', 'builder', { a: 1 })];
  const other = object('agent', 'pm', { a: 2 });

  expect(planDigestInput(planChanges([one, two], []))).toBe(
    planDigestInput(planChanges([two, one], [])),
  );
  expect(planDigestInput(planChanges([one], [other]))).not.toBe(
    planDigestInput(planChanges([other], [one])),
  );
});

const anyObjects = fc.uniqueArray(
  fc
    .tuple(
      fc.constantFrom<ConfigKind>('agent', 'schedule', 'budget'),
      fc.constantFrom('a', 'b', 'c', '__proto__'),
      fc.jsonValue({ maxDepth: 2 }),
    )
    .map(([kind, name, spec]) => object(kind, name, spec)),
  { selector: ({ kind, name }) => `${kind}/${name}` },
);

test('applying a plan leaves an empty plan', () => {
  fc.assert(
    fc.property(anyObjects, anyObjects, (desired, actual) => {
      const applied = applyChanges(actual, planChanges(desired, actual));

      expect(planChanges(desired, applied)).toEqual([]);
      expect(planChanges(applied, desired)).toEqual([]);
    }),
  );
});

test('an update always says what differs', () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.jsonValue(), (before, after) => {
      const [change] = planChanges([object('agent', 'pm', after)], [object('agent', 'pm', before)]);

      expect(change === undefined || change.paths.length > 0).toBe(true);
    }),
  );
});
