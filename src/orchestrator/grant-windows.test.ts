import { expect } from 'vitest';

import { test } from '../../test/database.ts';
import { fleetBudgets } from '../config/fleet-budgets.ts';
import type { Db } from '../db/db.ts';
import { promoteDue } from '../db/promote.ts';
import { sql } from '../db/sql.ts';
import type { BudgetSpec } from '../domain/spec.ts';
import { createZoneOffset } from '../domain/zone-offset.ts';
import { systemClock } from '../kernel/clock.ts';
import { grantWindows } from './acts/grant-windows.ts';
import { orchestratorFixture } from './orchestrator-fixture.ts';

const GRANT = { actor: 'me', microUsd: 2_000_000, reason: 'release week' };

const daily: BudgetSpec = {
  scope: 'repo',
  per: 'day',
  microUsd: 5_000_000,
  warn: 0.8,
  onExhausted: 'wait',
};

function depsOf(db: Db, policy: Parameters<typeof fleetBudgets>[0] = { version: 1 }) {
  return {
    db,
    clock: systemClock,
    zoneOffset: createZoneOffset(),
    fleetBudgets: () => fleetBudgets(policy),
  };
}

const windowsOf = (db: Db) =>
  db.query(sql`select scope, unit, period, raised from budget_window order by period, scope`);

test('a repository is raised in every open window, also where nothing was spent yet', async ({
  db,
}) => {
  using fixture = await orchestratorFixture(db, {
    budgets: {
      daily,
      monthly: { ...daily, per: 'month' },
      counted: {
        scope: 'repo',
        per: 'week',
        tokens: 1000,
        warn: 0.8,
        onExhausted: 'wait',
      },
      builders: { ...daily, scope: 'builder' },
    },
  });
  const { repoId } = fixture;
  const waiting = await fixture.enqueue({
    state: { waiting: 'budget', wakeAt: new Date(Date.UTC(2100, 0)) },
  });

  const { message } = await grantWindows(depsOf(db), { repoId }, GRANT);
  await grantWindows(depsOf(db), { repoId }, GRANT);

  expect(message).toBe(
    'Raised by 2.00 USD until its window ends: daily (per day) and monthly (per month).',
  );
  expect(await windowsOf(db)).toEqual([
    { scope: `repo:${repoId}`, unit: 'micro_usd', period: 'day', raised: 4_000_000 },
    { scope: `repo:${repoId}`, unit: 'micro_usd', period: 'month', raised: 4_000_000 },
  ]);
  expect(await promoteDue(db, 10)).toBe(1);
  expect(await fixture.job(waiting)).toMatchObject({ state: 'queued' });
  expect(
    await db.query(sql`select action, target, detail ->> 'reason' as reason from audit limit 1`),
  ).toEqual([{ action: 'budget.raise', target: `repo:${repoId}`, reason: 'release week' }]);
});

test('one agent is raised in what caps it alone', async ({ db }) => {
  using fixture = await orchestratorFixture(db, {
    budgets: { daily, builders: { ...daily, scope: 'builder' } },
  });
  const { repoId } = fixture;

  await grantWindows(depsOf(db), { repoId, agent: 'builder' }, GRANT);

  expect(await windowsOf(db)).toMatchObject([{ scope: `agent:${repoId}:builder` }]);
  await expect(grantWindows(depsOf(db), { repoId, agent: 'pm' }, GRANT)).rejects.toMatchObject({
    code: 'CONFLICT',
    remedy: expect.stringContaining('--agent'),
  });
});

test('the fleet is raised where the policy caps it, and groups are left alone', async ({ db }) => {
  using _ = await orchestratorFixture(db);
  const deps = depsOf(db, {
    version: 1,
    budgets: {
      fleet: { per: 'day', usd: 100 },
      research: { repos: ['research/**'], per: 'day', usd: 10 },
    },
  });

  await grantWindows(deps, {}, GRANT);

  expect(await windowsOf(db)).toMatchObject([{ scope: 'fleet', raised: 2_000_000 }]);
});

test('a fleet that nothing caps cannot be raised, and the answer says where a cap would be', async ({
  db,
}) => {
  using _ = await orchestratorFixture(db);

  await expect(grantWindows(depsOf(db), {}, GRANT)).rejects.toMatchObject({
    code: 'CONFLICT',
    message: 'nothing caps the fleet in USD',
    remedy: expect.stringContaining('`budgets` in the policy file'),
  });
  expect(await windowsOf(db)).toEqual([]);
});
