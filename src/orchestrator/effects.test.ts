import { expect } from 'vitest';

import { openPool, test } from '../../test/database.ts';
import { counterDrift } from '../../test/queue.ts';
import { createPostgresBus } from '../control/postgres/bus.ts';
import { cancelJob as orderCancel, pause, resume } from '../db/controls.ts';
import type { Db } from '../db/db.ts';
import {
  insertEffects,
  listEffects,
  msUntilNextEffect,
  settleEffect,
  takeEffects,
} from '../db/effects.ts';
import { listOpenGatesOfJob } from '../db/gates.ts';
import { findMergeRequest } from '../db/merge-requests.ts';
import { sql } from '../db/sql.ts';
import { AppError } from '../kernel/errors.ts';
import { cancelJob, releaseJob } from './acts/stop-job.ts';
import { carryOutEffects } from './effects.ts';
import { tieLooseEnds } from './loose-ends.ts';
import type { OrchestratorFixture } from './orchestrator-fixture.ts';
import { orchestratorFixture, publishAll } from './orchestrator-fixture.ts';
import { finishPublishing } from './publishing.ts';
import { MERGE_REQUEST } from './spec-fixture.ts';

const FILES = { 'src/add.ts': 'export const one = 2;\n' };
const ISSUE = {
  type: 'issue',
  title: 'Rounding',
  description: 'It is off.',
  labels: ['bug'],
} as const;
const ISSUE_2 = { ...ISSUE, title: 'Rounding again' } as const;

async function statesOf(db: Db, jobId: number): Promise<string[]> {
  return (await listEffects(db, jobId)).map(({ type, state }) => `${type} ${state}`);
}

async function childOf(fixture: OrchestratorFixture, parentId: number): Promise<number> {
  return fixture.enqueue({
    agent: 'reviewer',
    state: { waiting: 'parent' },
    trigger: { kind: 'hand_off', actor: 'autodev' },
    rootId: parentId,
    parentId,
    depth: 1,
  });
}

test('effects are carried out in order, and none before the one ahead of it is done', async ({
  db,
}) => {
  using fixture = await orchestratorFixture(db);
  const jobId = await fixture.work({ outputs: [ISSUE, ISSUE_2] });

  expect(await carryOutEffects(fixture.deps, fixture.signal)).toBe(1);
  expect(await statesOf(db, jobId)).toEqual(['issue done', 'issue pending']);
  expect(await carryOutEffects(fixture.deps, fixture.signal)).toBe(1);
  await publishAll(fixture);

  expect(await db.query(sql`select number, title from issue order by number`)).toEqual([
    { number: 1, title: 'Rounding' },
    { number: 2, title: 'Rounding again' },
  ]);
  expect(await fixture.job(jobId)).toMatchObject({ state: 'succeeded', reason: 'succeeded' });
});

test('a failed effect fails its job, drops later effects and cancels hand-offs', async ({ db }) => {
  using fixture = await orchestratorFixture(db);
  const jobId = await fixture.work({ outputs: [ISSUE, MERGE_REQUEST, ISSUE_2] });
  const child = await childOf(fixture, jobId);

  await publishAll(fixture);

  expect(await statesOf(db, jobId)).toEqual([
    'issue done',
    'merge_request failed',
    'issue cancelled',
  ]);
  const job = await fixture.job(jobId);
  expect(job).toMatchObject({ state: 'failed', reason: 'effect' });
  expect(job.detail).toContain('The effect `merge_request` failed: Fix rounding: the attempt left');
  expect(job.detail).toContain('Done before it: issue.');
  expect(await fixture.job(child)).toMatchObject({ state: 'cancelled', reason: 'parent_failed' });
});

test('a failure after the merge request ends that too: nothing is left open', async ({ db }) => {
  using fixture = await orchestratorFixture(db);
  const broken = { type: 'comment', body: '' } as const;
  const jobId = await fixture.work({ files: FILES, outputs: [MERGE_REQUEST, broken] });

  await publishAll(fixture);

  expect(await fixture.job(jobId)).toMatchObject({ state: 'failed' });
  expect(await listOpenGatesOfJob(db, jobId)).toEqual([]);
  expect(await db.query(sql`select state from merge_request`)).toEqual([{ state: 'closed' }]);
});

test('what may pass is tried again later, and then succeeds', async ({ db }) => {
  using fixture = await orchestratorFixture(db);
  const jobId = await fixture.work({ files: FILES });
  let failures = 1;
  const deps: OrchestratorFixture['deps'] = {
    ...fixture.deps,
    recheckArtifact: async () => {
      if (failures-- > 0) {
        throw new AppError('UNAVAILABLE', 'The disk is busy.');
      }
      return [];
    },
  };

  await carryOutEffects(deps, fixture.signal);
  const waitMs = (await msUntilNextEffect(db)) ?? 0;
  const early = await carryOutEffects(deps, fixture.signal);
  await db.query(sql`update effect set due_at = now()`);
  await publishAll({ deps, signal: fixture.signal });

  expect(early).toBe(0);
  expect(waitMs).toBeGreaterThan(500);
  expect(waitMs).toBeLessThan(1300);
  expect(await fixture.job(jobId)).toMatchObject({ state: 'review' });
});

test('a bug in one effect fails its job and brings nobody down', async ({ db }) => {
  using fixture = await orchestratorFixture(db);
  const jobId = await fixture.work({ files: FILES });
  const deps: OrchestratorFixture['deps'] = {
    ...fixture.deps,
    recheckArtifact: () => Promise.reject(new TypeError('a bug')),
  };

  await publishAll({ deps, signal: fixture.signal });

  const job = await fixture.job(jobId);
  expect(job).toMatchObject({ state: 'failed', reason: 'effect' });
  expect(job.detail).toBe('The effect `merge_request` failed: It failed inside: see the log.');
});

test('an effect whose orchestrator died is taken over, and settled once', async ({
  db,
  connection,
}) => {
  using fixture = await orchestratorFixture(db);
  await using rival = await openPool(connection);
  const jobId = await fixture.work({ outputs: [ISSUE] });
  const [dead] = await takeEffects(db, { leaseMs: 60_000, limit: 5 });
  const held = await takeEffects(rival, { leaseMs: 60_000, limit: 5 });
  await db.query(sql`update effect set lease_until = now() - interval '1 second'`);

  await publishAll(fixture);
  const late = dead && (await settleEffect(db, dead, { state: 'failed', error: 'late' }));

  expect(held).toEqual([]);
  expect(late).toBe(false);
  expect(await statesOf(db, jobId)).toEqual(['issue done']);
  expect(await db.query(sql`select 1 from issue`)).toHaveLength(1);
});

test('competing orchestrators carry out each effect once', async ({ db }) => {
  using fixture = await orchestratorFixture(db);
  const ids: number[] = [];
  for (let i = 0; i < 5; i += 1) {
    ids.push(await fixture.work({ outputs: [ISSUE, ISSUE_2] }));
  }

  await Promise.all([1, 2, 3].map(() => publishAll(fixture)));
  await publishAll(fixture);

  expect(await db.query(sql`select 1 from issue`)).toHaveLength(10);
  for (const id of ids) {
    expect(await fixture.job(id)).toMatchObject({ state: 'succeeded' });
  }
});

test('an effect with a key that is there already is stored once', async ({ db }) => {
  using fixture = await orchestratorFixture(db);
  const effect = {
    repoId: fixture.repoId,
    jobId: null,
    attempt: null,
    position: 1,
    type: 'issue',
    payload: {},
    key: 'once',
    staged: false,
  };

  await insertEffects(db, [effect]);
  await insertEffects(db, [effect]);

  expect(await db.query(sql`select 1 from effect`)).toHaveLength(1);
});

test('a cancel between effects drops the rest and closes what was opened', async ({ db }) => {
  using fixture = await orchestratorFixture(db);
  const jobId = await fixture.work({ files: FILES, outputs: [MERGE_REQUEST, ISSUE] });
  await carryOutEffects(fixture.deps, fixture.signal);

  await cancelJob({ db, bus: createPostgresBus({ db }) }, jobId, {
    actor: 'me',
    reason: 'Not needed.',
  });
  await publishAll(fixture);

  expect(await statesOf(db, jobId)).toEqual(['merge_request done', 'issue cancelled']);
  expect(await fixture.job(jobId)).toMatchObject({ state: 'cancelled', detail: 'Not needed.' });
  expect(await db.query(sql`select state from merge_request`)).toEqual([{ state: 'closed' }]);
  expect(await db.query(sql`select state from gate`)).toEqual([{ state: 'superseded' }]);
});

test('a cancel that the runner did not see any more is carried out by us', async ({ db }) => {
  using fixture = await orchestratorFixture(db);
  const jobId = await fixture.enqueue();
  await fixture.claim(jobId);
  await db.transaction((tx) => orderCancel(tx, { id: jobId, actor: 'me', reason: 'Stop.' }));
  await fixture.complete(jobId, { outputs: [ISSUE] });

  await tieLooseEnds(fixture.deps);
  await publishAll(fixture);

  expect(await fixture.job(jobId)).toMatchObject({ state: 'cancelled', detail: 'Stop.' });
  expect(await statesOf(db, jobId)).toEqual(['issue cancelled']);
});

test('a pause holds effects back, costs no rounds, and loses nothing', async ({ db }) => {
  using fixture = await orchestratorFixture(db);
  const jobId = await fixture.work({ outputs: [ISSUE] });
  const scope = { repoId: fixture.repoId };
  await db.transaction((tx) => pause(tx, { scope, actor: 'me', reason: 'Lunch.' }));

  expect(await carryOutEffects(fixture.deps, fixture.signal)).toBe(0);
  expect(await msUntilNextEffect(db)).toBeUndefined();
  await db.transaction((tx) => resume(tx, { scope, actor: 'me', reason: 'Back.' }));
  await publishAll(fixture);

  expect(await fixture.job(jobId)).toMatchObject({ state: 'succeeded' });
});

test('staged effects are shown, and carried out when somebody releases them', async ({ db }) => {
  using fixture = await orchestratorFixture(db);
  const jobId = await fixture.work({ files: FILES, staged: true });
  await publishAll(fixture);
  expect(await statesOf(db, jobId)).toEqual(['merge_request staged']);
  expect(await fixture.job(jobId)).toMatchObject({ state: 'succeeded', reason: 'staged' });

  const { message } = await releaseJob({ db }, jobId, { actor: 'me' });
  await publishAll(fixture);

  expect(message).toBe('1 staged effect is being carried out.');
  expect(await fixture.job(jobId)).toMatchObject({ state: 'review' });
  await expect(releaseJob({ db }, jobId, { actor: 'me' })).rejects.toThrow('has not ended');
});

test('a hand-off begins at what its parent published', async ({ db }) => {
  using fixture = await orchestratorFixture(db);
  const jobId = await fixture.work({ files: FILES });
  const child = await childOf(fixture, jobId);
  expect(await finishPublishing(fixture.deps)).toBe(0);

  await publishAll(fixture);

  const [request] = await db.query<{ id: number }>(sql`select id from merge_request`);
  const { head, branch } = (await findMergeRequest(db, request?.id ?? 0)) ?? {};
  expect(await fixture.job(child)).toMatchObject({
    state: 'queued',
    base: head,
    branch,
    mergeRequestId: request?.id,
    subject: { kind: 'merge_request', id: 1 },
  });
  expect(await counterDrift(db)).toBe(0);
});
