import { assert, constantFrom, nat, property, record } from 'fast-check';
import { expect, test } from 'vitest';

import { pricesUnderPolicy } from './prices-policy.ts';
import { DEFAULT_MODELS, PRICES } from './prices-table.ts';
import { addTokens, costOf, countedTokens, type PriceRow, priceOf } from './prices.ts';

const row = (values: Partial<PriceRow>): PriceRow => ({
  provider: 'codex',
  model: 'm',
  from: '2026-01-01',
  input: 2_000_000,
  cached: 200_000,
  cacheWrite: 2_500_000,
  output: 10_000_000,
  ...values,
});
const noon = (day: string): number => Date.parse(`${day}T12:00:00Z`);
const codex = (model: string, day = '2026-06-01') =>
  ({ provider: 'codex', model, at: noon(day) }) as const;

test('each kind of token has its own price, and a fraction of a micro-dollar is rounded up once', () => {
  const tokens = { input: 1_000, cached: 10_000, cacheWrite: 100, output: 50 };

  expect(costOf(tokens, row({}))).toBe(2_000 + 2_000 + 250 + 500);
  expect(costOf({ input: 0, cached: 1, cacheWrite: 0, output: 0 }, row({}))).toBe(1);
  expect(countedTokens(tokens)).toBe(1_150);
});

test('a long request is billed as a whole at the long rate', () => {
  const price = row({ long: { aboveTokens: 1_000, inputPercent: 200, outputPercent: 150 } });
  const short = { input: 900, cached: 100, cacheWrite: 0, output: 100 };

  expect(costOf(short, price)).toBe(1_800 + 20 + 1_000);
  expect(costOf({ ...short, input: 901 }, price)).toBe(Math.ceil(3_604 + 40 + 1_500));
});

test('the row that names a model most exactly wins, then the newest that has begun', () => {
  const table = [
    row({ model: 'gpt-5*', input: 1 }),
    row({ model: 'gpt-5.4*', input: 2 }),
    row({ model: 'gpt-5.4*', input: 3, from: '2026-05-01' }),
    row({ model: 'gpt-5.4*', input: 4, from: '2026-07-01' }),
    row({ model: 'gpt-5.4-x', input: 5 }),
  ];

  expect(priceOf(table, codex('gpt-5.1')).price.input).toBe(1);
  expect(priceOf(table, codex('gpt-5.4', '2026-04-30')).price.input).toBe(2);
  expect(priceOf(table, codex('gpt-5.4', '2026-05-01')).price.input).toBe(3);
  expect(priceOf(table, codex('gpt-5.4-mini', '2026-08-01')).price.input).toBe(4);
  expect(priceOf(table, codex('gpt-5.4-x', '2026-08-01')).price.input).toBe(5);
});

test('a model that nobody knows costs what the dearest of its provider does, and says so', () => {
  const table = [
    row({ model: 'a', input: 9, output: 1 }),
    row({ model: 'b', input: 1, output: 9 }),
    row({ model: 'c', provider: 'claude', input: 99, output: 99 }),
    row({ model: 'd', input: 99, from: '2027-01-01' }),
  ];

  const known = priceOf(table, codex('a'));
  const unknown = priceOf(table, codex('z'));

  expect(known.estimated).toBe(false);
  expect(unknown).toMatchObject({ estimated: true, price: { input: 9, output: 9 } });
});

test("the policy's prices win over the built-in ones, and leave out caches at the price of input", () => {
  const table = pricesUnderPolicy(PRICES, [
    { provider: 'codex', model: 'gpt-5.4', from: '2026-01-01', input: '$1.50', output: 7 },
  ]);

  expect(priceOf(table, codex('gpt-5.4'))).toEqual({
    estimated: false,
    price: expect.objectContaining({
      input: 1_500_000,
      cached: 1_500_000,
      cacheWrite: 1_500_000,
      output: 7_000_000,
    }),
  });
});

test('every built-in price is a whole number, and the default models have one', () => {
  const whole = PRICES.every(({ input, cached, cacheWrite, output }) =>
    [input, cached, cacheWrite, output].every(Number.isSafeInteger),
  );
  const at = noon('2026-11-22');

  expect(whole).toBe(true);
  expect(priceOf(PRICES, { provider: 'codex', model: DEFAULT_MODELS.codex, at }).estimated).toBe(
    false,
  );
  expect(priceOf(PRICES, { provider: 'claude', model: DEFAULT_MODELS.claude, at }).estimated).toBe(
    false,
  );
});

test('a cost is a whole number that never falls when more is used, and calls never cost less apart', () => {
  const count = nat(10_000_000);
  const tokens = record({ input: count, cached: count, cacheWrite: count, output: count });

  assert(
    property(tokens, tokens, constantFrom(...PRICES), (a, b, price) => {
      const { long: _, ...flat } = price;
      const both = addTokens(a, b);

      expect(Number.isSafeInteger(costOf(both, price))).toBe(true);
      expect(costOf(both, price)).toBeGreaterThanOrEqual(costOf(a, price));
      expect(costOf(a, flat) + costOf(b, flat)).toBeGreaterThanOrEqual(costOf(both, flat));
    }),
  );
});
