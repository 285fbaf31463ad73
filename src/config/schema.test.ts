import { readFile } from 'node:fs/promises';
import path from 'node:path';

import { expect, test } from 'vitest';

import { isJsonObject } from '../domain/canonical-json.ts';
import { DEFAULT_APPROVAL, DEFAULT_BUDGETS, DEFAULT_LIMITS } from './defaults.ts';
import { loadConfig } from './load.ts';
import { formatQuantity } from './quantity.ts';
import { OUTPUT_DEFAULTS } from './roles-allow.ts';

const RISKS = new Set(['higher', 'lower', 'added', 'removed', 'any', 'none']);
/** What YAML 1.1 reads as true or false when it stands as a key. */
const BOOLEAN_WORDS = /^(y|n|yes|no|on|off|true|false)$/i;

async function readSchema(name: string): Promise<unknown> {
  const file = path.join(import.meta.dirname, `../../config-schema/${name}.schema.json`);
  return JSON.parse(await readFile(file, 'utf8'));
}

/** Every property of a schema with where it stands, definitions included. */
function listProperties(
  node: unknown,
  at = '#',
): { at: string; name: string; property: Readonly<Record<string, unknown>> }[] {
  if (!isJsonObject(node)) {
    return [];
  }
  return Object.entries(node).flatMap(([keyword, value]) => {
    if (['default', 'examples', 'enum', 'x-values'].includes(keyword) || !isJsonObject(value)) {
      return [];
    }
    const own =
      keyword === 'properties'
        ? Object.entries(value).map(([name, property]) => ({
            at: `${at}/properties/${name}`,
            name,
            property: isJsonObject(property) ? property : {},
          }))
        : [];
    return [...own, ...listProperties(value, `${at}/${keyword}`)];
  });
}

test.each(['autodev', 'policy', 'outputs'])(
  'every property of %s has a description, an example, a default or what its absence means, and a risk',
  async (name) => {
    const properties = listProperties(await readSchema(name));

    const incomplete = properties.filter(
      ({ property }) =>
        typeof property['description'] !== 'string' ||
        !Array.isArray(property['examples']) ||
        !('default' in property || typeof property['x-default'] === 'string') ||
        !RISKS.has(String(property['x-risk'])),
    );

    expect(properties.length).toBeGreaterThan(20);
    expect(incomplete.map(({ at }) => at)).toEqual([]);
  },
);

test('no key is a word that YAML 1.1 reads as true or false', async () => {
  const names = [
    ...listProperties(await readSchema('autodev')),
    ...listProperties(await readSchema('policy')),
  ].map(({ name }) => name);

  expect(names.filter((name) => BOOLEAN_WORDS.test(name))).toEqual([]);
});

test("the schema's defaults of limits are those that are filled in", async () => {
  const properties = listProperties(await readSchema('autodev'));
  const stated = (name: string): unknown =>
    properties.find(({ at }) => at === `#/definitions/limits/properties/${name}`)?.property[
      'default'
    ];

  expect({
    tokens: stated('tokens'),
    usd: stated('usd'),
    turns: stated('turns'),
    wall: stated('wall'),
    idle: stated('idle'),
    attempts: stated('attempts'),
    memory: stated('memory'),
    min: stated('min'),
    lifetime: stated('lifetime'),
  }).toEqual({
    tokens: formatQuantity('tokens', DEFAULT_LIMITS.tokens),
    usd: formatQuantity('usd', DEFAULT_LIMITS.microUsd),
    turns: DEFAULT_LIMITS.turns,
    wall: formatQuantity('duration', DEFAULT_LIMITS.wallMs),
    idle: formatQuantity('duration', DEFAULT_LIMITS.idleMs),
    attempts: DEFAULT_LIMITS.attempts,
    memory: formatQuantity('bytes', DEFAULT_LIMITS.memoryBytes),
    min: formatQuantity('percent', DEFAULT_LIMITS.min),
    lifetime: formatQuantity('duration', DEFAULT_LIMITS.lifetimeMs),
  });
});

test('a file that states every default of the schema means the same as one that states none', async () => {
  const properties = listProperties(await readSchema('autodev'));
  const defaultsOf = (prefix: string): Record<string, unknown> =>
    Object.fromEntries(
      properties
        .filter(({ at, name }) => at === `${prefix}/properties/${name}`)
        .flatMap(({ name, property }) =>
          'default' in property ? [[name, property['default']]] : [],
        ),
    );
  const job = { agent: 'builder' };
  const bare = {
    version: 1,
    agents: { builder: {} },
    schedules: { s: { ...job, cron: '0 2 * * *' } },
    triggers: { t: { ...job, event: 'push' } },
    budgets: { b: { usd: 5, per: 'hour' } },
    approvals: { a: {} },
  };
  const full = {
    ...defaultsOf('#'),
    ...bare,
    agents: {
      builder: { ...defaultsOf('#/definitions/agent'), limits: defaultsOf('#/definitions/limits') },
    },
    schedules: { s: { ...defaultsOf('#/definitions/schedule'), ...bare.schedules.s } },
    triggers: { t: { ...defaultsOf('#/definitions/trigger'), ...bare.triggers.t } },
    budgets: {
      ...DEFAULTS_OF_BUDGETS,
      b: { ...defaultsOf('#/definitions/budget'), ...bare.budgets.b },
    },
    approvals: { a: defaultsOf('#/definitions/approval') },
  };
  const load = (file: object) =>
    loadConfig(JSON.stringify(file), { readFile: async () => undefined });

  const [bareLoaded, fullLoaded] = [await load(bare), await load(full)];

  expect(fullLoaded.diagnostics.filter(({ severity }) => severity === 'error')).toEqual([]);
  expect(fullLoaded.ok && fullLoaded.spec).toEqual(bareLoaded.ok && bareLoaded.spec);
});

const DEFAULTS_OF_BUDGETS = { daily: { usd: 10, per: 'day' }, monthly: { usd: 100, per: 'month' } };

test('the defaults of budgets, rules and outputs are those that the design names', () => {
  expect(DEFAULT_BUDGETS).toMatchObject({
    daily: { microUsd: 10_000_000, per: 'day' },
    monthly: { microUsd: 100_000_000, per: 'month' },
  });
  expect(DEFAULT_APPROVAL).toMatchObject({ gate: 'merge', approvals: 1, role: 'developer' });
  expect(
    Object.fromEntries(Object.entries(OUTPUT_DEFAULTS).map(([type, { max }]) => [type, max])),
  ).toEqual({
    merge_request: 1,
    review: 1,
    comment: 3,
    issue: 3,
    hand_off: 3,
    memory: 5,
    question: 1,
    noop: 1,
  });
});
