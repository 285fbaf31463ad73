import { expect } from 'vitest';

import { test } from '../../test/database.ts';
import { counterDrift } from '../../test/queue.ts';
import type { Db } from '../db/db.ts';
import { recordEvents } from '../db/events.ts';
import type { Gate } from '../db/gates.ts';
import { insertVote, listOpenGatesOfJob } from '../db/gates.ts';
import { insertGatedJobs } from '../db/run-gates.ts';
import { sql } from '../db/sql.ts';
import type { ApprovalRule } from '../domain/spec.ts';
import { runJob } from './acts/start-job.ts';
import { decideGate } from './decide-gates.ts';
import type { OrchestratorFixture } from './orchestrator-fixture.ts';
import { OPERATOR, orchestratorFixture } from './orchestrator-fixture.ts';
import { finishPublishing } from './publishing.ts';
import { rule, triggerSpec } from './spec-fixture.ts';
import { handleEvents } from './start-triggered.ts';

const setup = (db: Db, change: Partial<ApprovalRule> = {}) =>
  orchestratorFixture(db, {
    approvals: { default: rule(), start: rule({ gate: 'run', agents: ['devops'], ...change }) },
    triggers: { push: triggerSpec({ agent: 'devops', events: ['push'], from: 'developer' }) },
  });

async function gateOf(db: Db, jobId: number): Promise<Gate> {
  const [gate] = await listOpenGatesOfJob(db, jobId);
  if (!gate) {
    throw new Error(`j_${jobId} has no open gate`);
  }
  return gate;
}

async function decide(
  { deps, signal }: OrchestratorFixture,
  gate: Gate,
  verdict: 'approve' | 'reject',
): Promise<void> {
  const vote = {
    voter: OPERATOR,
    role: 'owner',
    head: gate.head,
    note: 'Well.',
    self: true,
  } as const;
  await insertVote(deps.db, gate.id, { ...vote, verdict, via: 'cli' });
  await decideGate(deps, gate.id, signal);
}

/** The one job that a push made. */
async function pushed(db: Db, { deps, repoId }: OrchestratorFixture, key: string): Promise<number> {
  await recordEvents(db, [{ repoId, type: 'push', key, payload: {} }]);
  await handleEvents(deps);
  const [row] = await db.query<{ id: number }>(sql`select max(id) as id from job`);
  return row?.id ?? 0;
}

test('a job that a run rule matches waits for people, whoever starts it', async ({ db }) => {
  using fixture = await setup(db);
  const { repoId } = fixture;

  const { jobId: byHand } = await runJob(fixture.deps, {
    repoId,
    agent: 'devops',
    task: 'Deploy.',
    actor: 'me',
  });
  const byTrigger = await pushed(db, fixture, 'push');
  const { jobId: free } = await runJob(fixture.deps, {
    repoId,
    agent: 'builder',
    task: 'Build.',
    actor: 'me',
  });

  for (const id of [byHand, byTrigger]) {
    expect(await fixture.job(id)).toMatchObject({ state: 'waiting', waitReason: 'gate' });
  }
  expect(await gateOf(db, byHand)).toMatchObject({
    kind: 'run',
    title: 'Start devops: Deploy.',
    body: 'Deploy.',
    requesters: ['me'],
    rules: [{ name: 'start' }],
  });
  expect(await fixture.job(free)).toMatchObject({ state: 'queued' });
  expect(await counterDrift(db)).toBe(0);
});

test('approving starts it, rejecting ends it', async ({ db }) => {
  using fixture = await setup(db);
  const first = await pushed(db, fixture, '1');
  const second = await pushed(db, fixture, '2');

  await decide(fixture, await gateOf(db, first), 'approve');
  await decide(fixture, await gateOf(db, second), 'reject');

  expect(await fixture.job(first)).toMatchObject({ state: 'queued' });
  expect(await fixture.job(second)).toMatchObject({ state: 'rejected', detail: 'Well.' });
  expect(await counterDrift(db)).toBe(0);
});

test('one approval is remembered for the same trigger while it is unchanged', async ({ db }) => {
  using fixture = await setup(db, { rememberMs: 3_600_000 });
  const { repoId } = fixture;
  await db.query(sql`
    insert into config_object (repo_id, kind, name, spec, hash, line, revision_id)
    values (${repoId}, 'trigger', 'push', '{}', 'hash-1', 3, 1)
  `);
  const first = await pushed(db, fixture, '1');
  await decide(fixture, await gateOf(db, first), 'approve');

  const remembered = await pushed(db, fixture, '2');
  const { jobId: byHand } = await runJob(fixture.deps, {
    repoId,
    agent: 'devops',
    task: 'Deploy.',
    actor: 'me',
  });
  await db.query(sql`update config_object set hash = 'hash-2'`);
  const changed = await pushed(db, fixture, '3');

  expect(await fixture.job(remembered)).toMatchObject({ state: 'queued' });
  expect(await fixture.job(byHand)).toMatchObject({ state: 'waiting', waitReason: 'gate' });
  expect(await fixture.job(changed)).toMatchObject({ state: 'waiting', waitReason: 'gate' });
});

test('without `remember` each run is asked for anew', async ({ db }) => {
  using fixture = await setup(db);
  await db.query(sql`
    insert into config_object (repo_id, kind, name, spec, hash, line, revision_id)
    values (${fixture.repoId}, 'trigger', 'push', '{}', 'hash-1', 3, 1)
  `);
  await decide(fixture, await gateOf(db, await pushed(db, fixture, '1')), 'approve');

  const second = await pushed(db, fixture, '2');

  expect(await fixture.job(second)).toMatchObject({ state: 'waiting', waitReason: 'gate' });
});

test('a job that is there already opens no second gate', async ({ db }) => {
  using fixture = await setup(db);
  const job = {
    repoId: fixture.repoId,
    agent: 'devops',
    title: 'Deploy',
    task: 'Deploy.',
    trust: 'owner',
    trigger: { kind: 'schedule', name: 'nightly', actor: 'autodev' },
    dedupeKey: 'nightly',
  } as const;

  const [first] = await db.transaction((tx) => insertGatedJobs(tx, [job]));
  const [second] = await db.transaction((tx) => insertGatedJobs(tx, [job]));

  expect(first).toBeGreaterThan(0);
  expect(second).toBeUndefined();
  expect(await db.query(sql`select 1 from gate`)).toHaveLength(1);
});

test('a hand-off to such an agent waits for people when its parent is done', async ({ db }) => {
  using fixture = await setup(db);
  const parent = await fixture.work();
  const child = await fixture.enqueue({
    agent: 'devops',
    parentId: parent,
    rootId: parent,
    state: { waiting: 'parent' },
  });

  await finishPublishing(fixture.deps);
  await finishPublishing(fixture.deps);

  expect(await fixture.job(child)).toMatchObject({ state: 'waiting', waitReason: 'gate' });
  await decide(fixture, await gateOf(db, child), 'approve');
  expect(await fixture.job(child)).toMatchObject({ state: 'queued' });
});
