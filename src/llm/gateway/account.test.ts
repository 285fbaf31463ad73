import * as fc from 'fast-check';
import { expect, test } from 'vitest';

import { NOTHING, type Spend } from '../../domain/budget.ts';
import { systemClock } from '../../kernel/clock.ts';
import { type AccountEvent, type AccountLimits, createAccount, type Wish } from './account.ts';
import { Refusal } from './refusal.ts';
import { fits, type Hold, largestAffordable } from './spend-limit.ts';

const LIMITS: AccountLimits = { calls: 1_000, callsPerMinute: 1_000, parallel: 4 };
const { signal } = new AbortController();
const usd = (microUsd: number): Spend => ({ microUsd, tokens: microUsd });
/** Input of 100, perhaps 300; a micro-USD for each token of output. */
const wish = (wantedOutput: number): Wish => ({
  wantedOutput,
  hold: (output) => ({ likely: usd(100 + output), most: usd(300 + output) }),
});

function setup(grant: number, limits: Partial<AccountLimits> = {}) {
  const events: AccountEvent[] = [];
  let now = 0;
  const account = createAccount(
    { clock: { ...systemClock, now: () => new Date(now) } },
    {
      grant: usd(grant),
      limits: { ...LIMITS, ...limits },
      emit: (event) => void events.push(event),
    },
  );
  return {
    account,
    events,
    pass: (ms: number) => {
      now += ms;
    },
    refusal: (one: Wish) =>
      account.admit(one, signal).then(
        () => 'let in',
        (error: unknown) => (error instanceof Refusal ? error.message : error),
      ),
  };
}

test('a call is let in with all the output it wants, and what it gives back is free again', async () => {
  const { account } = setup(10_000);

  const admission = await account.admit(wish(5_000), signal);
  const { held } = account;
  admission.settle(usd(40));
  admission.settle(usd(40));

  expect([admission.maxOutput, held.microUsd]).toEqual([5_000, 5_100]);
  expect([account.spent.microUsd, account.held.microUsd]).toEqual([40, 0]);
});

test('a call waits for money that those in flight may give back, and is let in when they do', async () => {
  const { account, events } = setup(10_000);
  const first = await account.admit(wish(8_000), signal);
  let isIn = false;
  const second = account.admit(wish(8_000), signal).then((admission) => {
    isIn = true;
    return admission;
  });

  await Promise.resolve();
  const before = isIn;
  first.settle(usd(500));

  expect([before, (await second).maxOutput]).toEqual([false, 8_000]);
  expect(events).toEqual([]);
});

test('the last call has less output rather than none, and the one after is refused for good', async () => {
  const { account, events, refusal } = setup(10_000);
  (await account.admit(wish(9_000), signal)).settle(usd(6_000));

  const last = await account.admit(wish(9_000), signal);
  last.settle(usd(3_990));
  const refused = await refusal(wish(9_000));

  expect(last.maxOutput).toBe(3_900);
  expect(refused).toBe('the budget of this attempt is used up');
  expect(await refusal(wish(1))).toBe('the budget of this attempt is used up');
  expect(events).toEqual([
    { type: 'warning', share: 0.8, spent: usd(9_990) },
    { type: 'stop', reason: 'budget', detail: 'the budget of this attempt is used up' },
  ]);
});

test('the warning comes once, at four fifths', async () => {
  const { account, events } = setup(1_000_000);
  for (const spent of [799_999, 1, 100_000]) {
    (await account.admit(wish(1_000), signal)).settle(usd(spent));
  }

  expect(events).toEqual([{ type: 'warning', share: 0.8, spent: usd(800_000) }]);
});

test('no more than so many run side by side, and who came first goes first', async () => {
  const { account } = setup(1_000_000, { parallel: 2 });
  const order: number[] = [];
  const first = await account.admit(wish(10), signal);
  await account.admit(wish(10), signal);
  const waiting = [1, 2].map((n) =>
    account.admit(wish(10), signal).then((admission) => {
      order.push(n);
      return admission;
    }),
  );

  first.settle(NOTHING);
  (await waiting[0])?.settle(NOTHING);
  await waiting[1];

  expect(order).toEqual([1, 2]);
});

test('who waits and goes away leaves the place to the next', async () => {
  const { account } = setup(1_000_000, { parallel: 1 });
  const first = await account.admit(wish(10), signal);
  const gone = new AbortController();
  const leaver = account.admit(wish(10), gone.signal).catch(() => 'gone');
  const stayer = account.admit(wish(10), signal);

  gone.abort(new Error('gone'));
  first.settle(NOTHING);

  expect(await leaver).toBe('gone');
  expect((await stayer).maxOutput).toBe(10);
});

test('calls are counted in all and by the minute; a loop is stopped, steady work is not', async () => {
  const steady = setup(1_000_000, { callsPerMinute: 3, calls: 8 });
  for (let i = 0; i < 8; i += 1) {
    (await steady.account.admit(wish(10), signal)).settle(NOTHING);
    steady.pass(20_001);
  }
  const loop = setup(1_000_000, { callsPerMinute: 3 });
  const answers: unknown[] = [];
  for (let i = 0; i < 5; i += 1) {
    answers.push(await loop.refusal(wish(10)));
  }

  expect(await steady.refusal(wish(10))).toBe('this attempt has made its 8 calls');
  expect(answers.slice(0, 3)).toEqual(['let in', 'let in', 'let in']);
  expect(answers[4]).toMatch(/^more than 3 calls within a minute/);
  expect(loop.events).toMatchObject([{ type: 'stop', reason: 'calls_per_minute' }]);
});

test('however calls overlap, spend stays within the grant and one call’s estimation error', async () => {
  const call = fc.record({
    likely: fc.integer({ min: 1, max: 500 }),
    error: fc.integer({ min: 0, max: 1_500 }),
    /** Of the most that it may cost. */
    share: fc.double({ min: 0, max: 1, noNaN: true }),
    /** How many of those in flight end before the next asks. */
    ends: fc.nat(4),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(call, { maxLength: 60 }), fc.nat(8_000), async (calls, grant) => {
      const { account } = setup(grant);
      const flying: (() => void)[] = [];
      const open = [...calls];
      const asked = calls.map(async ({ likely, error, share, ends }) => {
        const admission = await account
          .admit(
            {
              wantedOutput: 50,
              hold: (output) => ({
                likely: usd(likely + output),
                most: usd(likely + error + output),
              }),
            },
            signal,
          )
          .catch(() => undefined);
        open.pop();
        if (admission !== undefined) {
          flying.push(() =>
            admission.settle(usd(Math.round(admission.hold.most.microUsd * share))),
          );
        }
        for (let i = 0; i < ends; i += 1) {
          flying.shift()?.();
        }
      });
      while (open.length > 0) {
        flying.shift()?.();
        await Promise.resolve();
      }
      await Promise.all(asked);
      for (const end of flying) {
        end();
      }

      const widest = Math.max(0, ...calls.map(({ error }) => error));
      expect(account.spent.microUsd).toBeLessThanOrEqual(grant + widest);
      expect(account.held).toEqual(NOTHING);
    }),
    { numRuns: 300 },
  );
});

test('beside others only one may be dearer than its estimate', () => {
  const hold: Hold = { likely: usd(100), most: usd(300) };
  const state = (n: number) => ({
    grant: usd(1_000),
    spent: NOTHING,
    holds: Array.from({ length: n }, () => hold),
  });

  expect(fits(state(0), { likely: usd(1_000), most: usd(9_000) })).toBe(true);
  expect([fits(state(2), hold), fits(state(3), hold)]).toEqual([true, true]);
  expect(fits(state(4), hold)).toBe(false);
});

test('the largest amount that can be had is found', () => {
  fc.assert(
    fc.property(fc.nat(5_000), fc.nat(5_000), (limit, wanted) => {
      const found = largestAffordable({ least: Math.min(100, wanted), wanted }, (n) => n <= limit);

      expect(found).toBe(Math.min(100, wanted) > limit ? undefined : Math.min(limit, wanted));
    }),
  );
});
