import * as fc from 'fast-check';
import { expect, test } from 'vitest';

import { forecastBudget } from './budget-forecast.ts';
import { add, hold, NOTHING, reserve, settle, type CappedWindow, type Spend } from './budget.ts';

const USD = 1_000_000;
const want: Spend = { microUsd: 3 * USD, tokens: 300_000 };

function window(change: Partial<CappedWindow> & { id: string }): CappedWindow {
  return { spent: NOTHING, reserved: NOTHING, until: 1000, ...change };
}

test('without any budget an attempt gets its own limit', () => {
  expect(reserve({ want, min: 0.1, windows: [] })).toEqual({
    grant: want,
    usedGrant: NOTHING,
    raises: [],
  });
});

test('a reservation is the least of limit, lifetime and the room of every window', () => {
  const windows = [
    window({ id: 'day', capMicroUsd: 10 * USD, spent: { microUsd: 8 * USD, tokens: 0 } }),
    window({ id: 'tokens', capTokens: 200_000, reserved: { microUsd: 0, tokens: 50_000 } }),
  ];

  expect(reserve({ want, min: 0.1, windows })).toMatchObject({
    grant: { microUsd: 2 * USD, tokens: 150_000 },
  });
  expect(reserve({ want, min: 0.1, windows, lifetimeLeft: { microUsd: USD } })).toMatchObject({
    grant: { microUsd: USD, tokens: 150_000 },
  });
});

test('below the minimum it waits for the last of the windows that are in its way', () => {
  const full = { capMicroUsd: 10 * USD, spent: { microUsd: 9.8 * USD, tokens: 0 } };
  const windows = [
    window({ id: 'hour', ...full, until: 1000 }),
    window({ id: 'day', ...full, until: 5000 }),
    window({ id: 'month', capMicroUsd: 300 * USD, until: 9000 }),
  ];

  expect(reserve({ want, min: 0.1, windows })).toEqual({
    wait: 'budget',
    windowIds: ['day', 'hour'],
    until: 5000,
    held: false,
    reason: 'Budget day has 0.20 of 10.00 USD left.',
  });
});

test('what running jobs hold may come free: that is no question to people', () => {
  const held = { capMicroUsd: 3 * USD, reserved: { microUsd: 3 * USD, tokens: 0 } };

  expect(reserve({ want, min: 0.1, windows: [window({ id: 'day', ...held })] })).toMatchObject({
    held: true,
    reason: 'Budget day has 0.00 of 3.00 USD left; running jobs hold a part.',
  });
});

test('no window ends the wait of a job that has spent its lifetime', () => {
  const lifetimeLeft = { microUsd: 0.1 * USD };

  expect(reserve({ want, min: 0.1, windows: [], lifetimeLeft })).toMatchObject({
    wait: 'lifetime',
  });
});

test('what spends nothing starts also when a budget is used up', () => {
  const windows = [window({ id: 'day', capMicroUsd: USD, spent: { microUsd: USD, tokens: 0 } })];

  expect(reserve({ want: NOTHING, min: 0.1, windows })).toMatchObject({ grant: NOTHING });
});

test('with a minimum of nothing an attempt still does not start on nothing', () => {
  const windows = [window({ id: 'day', capMicroUsd: USD, spent: { microUsd: USD, tokens: 0 } })];

  expect(reserve({ want, min: 0, windows })).toMatchObject({ wait: 'budget' });
});

test('a grant lets one job go beyond its windows, and says which have to be raised by how much', () => {
  const windows = [
    window({ id: 'day', capMicroUsd: 10 * USD, spent: { microUsd: 9 * USD, tokens: 0 } }),
    window({ id: 'month', capMicroUsd: 300 * USD }),
    window({ id: 'tokens', capTokens: 1_000_000 }),
  ];

  expect(reserve({ want, min: 0.5, windows, granted: { microUsd: USD, tokens: 0 } })).toEqual({
    grant: { microUsd: 2 * USD, tokens: 300_000 },
    usedGrant: { microUsd: USD, tokens: 0 },
    raises: [{ windowId: 'day', by: { microUsd: USD, tokens: 0 } }],
  });
  expect(reserve({ want, min: 0.5, windows, granted: { microUsd: 9 * USD, tokens: 9 } })).toEqual({
    grant: want,
    usedGrant: { microUsd: 2 * USD, tokens: 0 },
    raises: [{ windowId: 'day', by: { microUsd: 2 * USD, tokens: 0 } }],
  });
});

test('settling releases the whole grant and books the whole spend', () => {
  const grant = { microUsd: 2 * USD, tokens: 10 };
  const held = hold(window({ id: 'day', capMicroUsd: 10 * USD }), grant);

  expect(settle(held, { grant, spent: { microUsd: 2.1 * USD, tokens: 3 } })).toMatchObject({
    reserved: NOTHING,
    spent: { microUsd: 2.1 * USD, tokens: 3 },
  });
});

test('a budget is never overspent, whatever the order of claims and ends', () => {
  const amount = fc.record({ microUsd: fc.nat(5 * USD), tokens: fc.nat(500_000) });
  const step = fc.record({
    want: amount,
    spends: fc.float({ min: 0, max: 1, noNaN: true }),
    ends: fc.nat(5),
  });
  const caps = fc.record({ capMicroUsd: fc.nat(10 * USD), capTokens: fc.nat(1_000_000) });

  fc.assert(
    fc.property(caps, caps, fc.array(step, { maxLength: 60 }), (shared, own, steps) => {
      let windows = [window({ id: 'shared', ...shared }), window({ id: 'own', ...own })];
      const running: { grant: Spend; spent: Spend }[] = [];

      for (const { want: wanted, spends, ends } of steps) {
        const result = reserve({ want: wanted, min: 0.1, windows });
        if ('grant' in result) {
          const { grant } = result;
          windows = windows.map((one) => hold(one, grant));
          running.push({
            grant,
            spent: {
              microUsd: Math.floor(grant.microUsd * spends),
              tokens: Math.floor(grant.tokens * spends),
            },
          });
        }
        for (const ended of running.splice(0, ends)) {
          windows = windows.map((one) => settle(one, ended));
        }

        for (const { capMicroUsd = 0, capTokens = 0, spent, reserved } of windows) {
          const used = add(spent, reserved);
          expect(used.microUsd).toBeLessThanOrEqual(capMicroUsd);
          expect(used.tokens).toBeLessThanOrEqual(capTokens);
        }
      }
    }),
  );
});

test('the forecast carries the rate on and names when the cap is reached', () => {
  const half = { spent: 40, reserved: 10, cap: 80, warn: 0.5, start: 0, end: 1000, now: 500 };

  expect(forecastBudget(half)).toEqual({ atEnd: 100, exhaustedAt: 800, state: 'warn' });
  expect(forecastBudget({ ...half, cap: 200 })).toEqual({
    atEnd: 100,
    exhaustedAt: undefined,
    state: 'ok',
  });
  expect(forecastBudget({ ...half, cap: 50 })).toMatchObject({
    exhaustedAt: 500,
    state: 'exhausted',
  });
});

test('the first minutes of a window do not forecast a catastrophe', () => {
  const early = { spent: 1, reserved: 0, cap: 80, warn: 0.8, start: 0, end: 1000, now: 1 };

  expect(forecastBudget(early).atEnd).toBe(11);
});
