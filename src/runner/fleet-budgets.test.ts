import { expect } from 'vitest';

import { test } from '../../test/database.ts';
import { newRunner } from '../../test/queue.ts';
import { sql } from '../db/sql.ts';
import type { FleetBudget } from '../domain/budget-caps.ts';
import type { BudgetSpec } from '../domain/spec.ts';
import { commandProvider } from '../llm/command.ts';
import type { Provider } from '../llm/provider.ts';
import { claimJobs } from './claim.ts';
import { openRunnerFixture } from './runner-fixture.ts';

/** A program that costs something, without a gateway in between. */
const spending: Provider = { ...commandProvider, kind: () => 'metered' };
const daily: BudgetSpec = {
  scope: 'repo',
  per: 'day',
  microUsd: 50_000_000,
  warn: 0.8,
  onExhausted: 'question',
};

test('what caps the fleet or a group caps a claim as well, and is nobody in a repository to be asked about', async ({
  db,
}) => {
  await using s = await openRunnerFixture(db);
  await s.apply({ builder: {} }, { budgets: { daily } });
  const ids = [await s.queue(), await s.queue()];
  const { runner, epoch } = await newRunner(db, 'fleet');
  const budgets: FleetBudget[] = [
    { name: 'all', scope: 'fleet', per: 'month', microUsd: 100_000_000 },
    { name: 'daily', scope: 'group:app', per: 'day', microUsd: 1_050_000 },
  ];

  const { attempts } = await claimJobs(
    {
      ...s.deps,
      providers: [{ provider: spending }],
      sandboxed: true,
      fleetBudgets: ({ path }) => (path === 'app' ? budgets : []),
    },
    { id: runner, epoch },
    { agents: ['builder'], claim: 5, lanes: 8 },
  );

  expect(attempts.map(({ job }) => job.id)).toEqual([ids[0]]);
  expect(
    await db.query(sql`select scope, period, reserved from budget_window order by scope`),
  ).toEqual([
    { scope: 'fleet', period: 'month', reserved: 1_000_000 },
    { scope: 'group:app', period: 'day', reserved: 1_000_000 },
    { scope: `repo:${s.repo.id}`, period: 'day', reserved: 1_000_000 },
  ]);
  expect(await db.query(sql`select wait_reason, detail from job where id = ${ids[1]}`)).toEqual([
    {
      wait_reason: 'budget',
      detail: 'Budget daily of the policy has 0.05 of 1.05 USD left; running jobs hold a part.',
    },
  ]);
  expect(await db.query(sql`select 1 from gate`)).toEqual([]);
});
