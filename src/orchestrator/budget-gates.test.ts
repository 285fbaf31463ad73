import { expect } from 'vitest';

import { test } from '../../test/database.ts';
import { counterDrift } from '../../test/queue.ts';
import { createPostgresBus } from '../control/postgres/bus.ts';
import { askForBudget } from '../db/budget-gates.ts';
import { grantedTo } from '../db/budget-grants.ts';
import { lockWindows } from '../db/budgets.ts';
import type { Db } from '../db/db.ts';
import { promoteDue } from '../db/promote.ts';
import { sql } from '../db/sql.ts';
import { grantBudget } from './acts/grant-budget.ts';
import { cancelJob } from './acts/stop-job.ts';
import { decideGate, expireGates } from './decide-gates.ts';
import type { OrchestratorFixture } from './orchestrator-fixture.ts';
import { OPERATOR, orchestratorFixture } from './orchestrator-fixture.ts';
import { rule } from './spec-fixture.ts';

const HOUR_MS = 3_600_000;

/** Two jobs that wait for one window, of which the first has asked. */
async function atTheCap(db: Db, fixture: OrchestratorFixture, windowEndsInMs = HOUR_MS) {
  const { repoId } = fixture;
  const wakeAt = new Date(Date.UTC(2100, 0));
  const state = { waiting: 'budget', wakeAt } as const;
  const asking = await fixture.enqueue({ state });
  const other = await fixture.enqueue({ state });
  const [row] = await db.query<{ now: Date }>(sql`select now() as now`);
  const now = row?.now.getTime() ?? 0;
  const windowId = await db.transaction(async (tx) => {
    const [window] = await lockWindows(tx, [
      {
        scope: `repo:${repoId}`,
        unit: 'micro_usd',
        period: 'day',
        startsAt: new Date(now - HOUR_MS),
        endsAt: new Date(now + windowEndsInMs),
      },
    ]);
    const id = window?.id ?? 0;
    await askForBudget(tx, {
      job: await fixture.job(asking),
      approvals: { limits: rule({ gate: 'config' }) },
      ask: { windows: [{ id, name: 'daily', unit: 'micro_usd', amount: 3_000_000 }] },
      reason: 'Budget daily has 0.00 of 10.00 USD left.',
      until: now + windowEndsInMs,
      now,
    });
    return id;
  });
  const [gate] = await db.query<{ id: number; body: string }>(sql`select id, body from gate`);
  return { asking, other, windowId, gateId: gate?.id ?? 0, body: gate?.body };
}

async function vote(
  db: Db,
  { deps, signal }: OrchestratorFixture,
  gateId: number,
  verdict: 'approve' | 'reject',
  voter = OPERATOR,
): Promise<void> {
  await db.query(sql`
    insert into vote (gate_id, voter, role, verdict, note, self, via)
    values (${gateId}, ${voter}, 'owner', ${verdict}, 'Enough.', true, 'cli')
  `);
  await decideGate(deps, gateId, signal);
}

const raisedOf = (db: Db) => db.query(sql`select raised from budget_window`);

test('approving raises the window, queues who asked and has the others look again', async ({
  db,
}) => {
  using fixture = await orchestratorFixture(db);
  const { asking, other, gateId, body } = await atTheCap(db, fixture);

  await vote(db, fixture, gateId, 'approve', 'eve');
  expect(await raisedOf(db)).toEqual([{ raised: 0 }]);
  await vote(db, fixture, gateId, 'approve');

  expect(body).toContain('Approving raises `daily` by 3.00 USD');
  expect(await raisedOf(db)).toEqual([{ raised: 3_000_000 }]);
  expect(await fixture.job(asking)).toMatchObject({ state: 'queued' });
  expect(await promoteDue(db, 10)).toBe(1);
  expect(await fixture.job(other)).toMatchObject({ state: 'queued' });
  expect(await counterDrift(db)).toBe(0);
});

test('rejecting ends who asked, and the others wait on', async ({ db }) => {
  using fixture = await orchestratorFixture(db);
  const { asking, other, gateId } = await atTheCap(db, fixture);

  await vote(db, fixture, gateId, 'reject');

  expect(await fixture.job(asking)).toMatchObject({ state: 'rejected', detail: 'Enough.' });
  expect(await fixture.job(other)).toMatchObject({ state: 'waiting', waitReason: 'budget' });
  expect(await raisedOf(db)).toEqual([{ raised: 0 }]);
});

test('a new window answers the question, and nobody is rejected for it', async ({ db }) => {
  using fixture = await orchestratorFixture(db);
  const { asking } = await atTheCap(db, fixture, 0);

  expect(await expireGates(fixture.deps)).toBe(1);

  expect(await db.query(sql`select state from gate`)).toEqual([{ state: 'superseded' }]);
  expect(await promoteDue(db, 10)).toBe(2);
  expect(await fixture.job(asking)).toMatchObject({ state: 'queued' });
});

test('a question whose job is cancelled is asked anew by the next one', async ({ db }) => {
  using fixture = await orchestratorFixture(db);
  const { asking, other } = await atTheCap(db, fixture);

  await cancelJob({ db, bus: createPostgresBus({ db }) }, asking, { actor: 'me' });

  expect(await promoteDue(db, 10)).toBe(1);
  expect(await fixture.job(other)).toMatchObject({ state: 'queued' });
});

test('a grant answers for one job alone, also in the name of its root', async ({ db }) => {
  using fixture = await orchestratorFixture(db);
  const { asking } = await atTheCap(db, fixture);
  const child = await fixture.enqueue({ rootId: asking, state: { waiting: 'budget' } });

  await grantBudget({ db }, asking, { actor: 'me', microUsd: 1_000_000 });
  await grantBudget({ db }, child, { actor: 'me', microUsd: 500_000 });

  expect(await fixture.job(asking)).toMatchObject({ state: 'queued' });
  expect(await db.query(sql`select state, note from gate`)).toEqual([
    { state: 'answered', note: 'Granted 1.00 USD to this job alone.' },
  ]);
  expect(await grantedTo(db, asking)).toMatchObject({ unused: { microUsd: 1_500_000 } });
  expect(await raisedOf(db)).toEqual([{ raised: 0 }]);
});
