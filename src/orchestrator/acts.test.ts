import { expect } from 'vitest';

import { test } from '../../test/database.ts';
import { counterDrift } from '../../test/queue.ts';
import { createPostgresBus } from '../control/postgres/bus.ts';
import { sql } from '../db/sql.ts';
import { grantBudget } from './acts/grant-budget.ts';
import { replayJob, retryJob, runJob } from './acts/start-job.ts';
import { drain, liftControl, pause, resetBreaker, resume } from './acts/steer.ts';
import { cancelJob, releaseJob } from './acts/stop-job.ts';
import { tieLooseEnds } from './loose-ends.ts';
import { orchestratorFixture, publishAll } from './orchestrator-fixture.ts';

const BY = { actor: 'me' };

test('a job is started by hand, and only for an agent that the file lists', async ({ db }) => {
  using fixture = await orchestratorFixture(db);
  const { repoId } = fixture;

  const { jobId } = await runJob(fixture.deps, {
    repoId,
    agent: 'builder',
    task: 'Fix it.\nPlease.',
    actor: 'me',
  });
  await fixture.setSpec({ agents: {} });

  expect(await fixture.job(jobId)).toMatchObject({
    title: 'Fix it.',
    state: 'queued',
    priority: 50,
    trigger: { kind: 'manual', actor: 'me' },
  });
  expect(await db.query(sql`select actor, action, target from audit`)).toEqual([
    { actor: 'me', action: 'job.run', target: `j_${jobId}` },
  ]);
  await expect(
    runJob(fixture.deps, { repoId, agent: 'builder', task: 'x', actor: 'me' }),
  ).rejects.toMatchObject({ code: 'NOT_FOUND', remedy: expect.stringContaining('autodev.yaml') });
  await db.query(sql`update repo_sync set revision_id = null, head = 'c0'`);
  await expect(
    runJob(fixture.deps, { repoId, agent: 'builder', task: 'x', actor: 'me' }),
  ).rejects.toMatchObject({ code: 'CONFLICT' });
});

test('a retry has the same root and the note; a replay is staged', async ({ db }) => {
  using fixture = await orchestratorFixture(db);
  const jobId = await fixture.work();
  const running = await fixture.enqueue();

  const retry = await retryJob(fixture.deps, jobId, { ...BY, note: 'Again.' });
  await db.query(sql`update attempt set base = 'cafe' where job_id = ${jobId}`);
  const replay = await replayJob(fixture.deps, jobId, { ...BY, provider: 'claude' });

  expect(await fixture.job(retry.jobId)).toMatchObject({
    rootId: jobId,
    parentId: jobId,
    trigger: { kind: 'retry', from_job: jobId },
    input: [{ kind: 'note', author: 'me', text: 'Again.' }],
  });
  expect(await fixture.job(replay.jobId)).toMatchObject({
    staged: true,
    state: 'queued',
    base: 'cafe',
    trigger: { kind: 'replay', provider: 'claude' },
  });
  await expect(replayJob(fixture.deps, jobId, { ...BY, provider: 'gpt' })).rejects.toMatchObject({
    code: 'INVALID_REQUEST',
  });
  await expect(retryJob(fixture.deps, running, BY)).rejects.toThrow('has not ended');
  await expect(retryJob(fixture.deps, 999, BY)).rejects.toMatchObject({ code: 'NOT_FOUND' });
});

test('a retry begins at what is there now, and goes on with a merge request that is open', async ({
  db,
}) => {
  using fixture = await orchestratorFixture(db);
  const old = await fixture.enqueue({ base: 'cafe' });
  await fixture.claim(old);
  await fixture.complete(old);
  const author = await fixture.work({ files: { 'src/add.ts': 'export const one = 2;\n' } });
  await publishAll(fixture);
  const { mergeRequestId, branch } = await fixture.job(author);
  const reviewer = await fixture.work({
    job: { agent: 'reviewer', mergeRequestId: mergeRequestId ?? 0, base: 'cafe' },
  });

  const anew = await retryJob(fixture.deps, old, BY);
  const onward = await retryJob(fixture.deps, reviewer, BY);

  expect(await fixture.job(anew.jobId)).toMatchObject({ base: null, mergeRequestId: null });
  const head = fixture.git.sh(['rev-parse', branch ?? '']);
  expect(await fixture.job(onward.jobId)).toMatchObject({ base: head, branch, mergeRequestId });
});

test('a cancel ends what waits at once, and asks the runner of what runs', async ({ db }) => {
  using fixture = await orchestratorFixture(db);
  const running = await fixture.enqueue();
  await fixture.claim(running);
  const queued = await fixture.enqueue();

  await cancelJob({ db, bus: createPostgresBus({ db }) }, queued, BY);
  await cancelJob({ db, bus: createPostgresBus({ db }) }, running, BY);

  expect(await fixture.job(queued)).toMatchObject({ state: 'cancelled', detail: 'Cancelled.' });
  expect(await fixture.job(running)).toMatchObject({ state: 'running' });
  expect(await db.query(sql`select job_id from control where verb = 'cancel'`)).toEqual([
    { job_id: running },
  ]);
  await expect(cancelJob({ db, bus: createPostgresBus({ db }) }, queued, BY)).rejects.toThrow(
    'has ended already: cancelled',
  );
  await expect(cancelJob({ db, bus: createPostgresBus({ db }) }, 999, BY)).rejects.toMatchObject({
    code: 'NOT_FOUND',
  });
  expect(await counterDrift(db)).toBe(0);
});

test('only what is staged can be released', async ({ db }) => {
  using fixture = await orchestratorFixture(db);
  const jobId = await fixture.work();

  await expect(releaseJob({ db }, jobId, BY)).rejects.toThrow('has no staged effect');
  await expect(releaseJob({ db }, 999, BY)).rejects.toMatchObject({ code: 'NOT_FOUND' });
});

test('a cancel that came too late does not end what is released later', async ({ db }) => {
  using fixture = await orchestratorFixture(db);
  const jobId = await fixture.enqueue();
  await fixture.claim(jobId);
  await cancelJob({ db, bus: createPostgresBus({ db }) }, jobId, BY);
  // Its runner was done before it saw that.
  await fixture.complete(jobId, {
    files: { 'src/add.ts': 'export const one = 2;\n' },
    staged: true,
  });
  await tieLooseEnds(fixture.deps);

  await releaseJob({ db }, jobId, BY);
  await tieLooseEnds(fixture.deps);

  expect(await fixture.job(jobId)).toMatchObject({ state: 'publishing' });
  await publishAll(fixture);
  expect(await fixture.job(jobId)).toMatchObject({ state: 'review' });
});

test('a grant wakes a job that waits for its budget', async ({ db }) => {
  using fixture = await orchestratorFixture(db);
  const jobId = await fixture.enqueue({ state: { waiting: 'budget' } });

  const { message } = await grantBudget({ db }, jobId, { ...BY, microUsd: 2_500_000 });

  expect(message).toContain('2.50 USD');
  expect(await fixture.job(jobId)).toMatchObject({ state: 'queued' });
  await cancelJob({ db, bus: createPostgresBus({ db }) }, jobId, BY);
  await expect(grantBudget({ db }, jobId, { ...BY, microUsd: 1 })).rejects.toMatchObject({
    code: 'CONFLICT',
  });
});

test('a runner that is not there cannot be drained, and the message says where they are listed', async ({
  db,
}) => {
  const drained = drain({ db, bus: createPostgresBus({ db }) }, 99_999, {
    ...BY,
    reason: 'By hand.',
  });

  await expect(drained).rejects.toMatchObject({
    code: 'CONFLICT',
    remedy: expect.stringContaining('autodev runners'),
  });
});

test('a pause holds a lane until it is lifted', async ({ db }) => {
  using fixture = await orchestratorFixture(db);
  const scope = { repoId: fixture.repoId, agent: 'builder' } as const;
  const held = async () => (await db.query(sql`select 1 from lane where hold is not null`)).length;

  const { controlId } = await pause({ db, bus: createPostgresBus({ db }) }, scope, {
    ...BY,
    reason: 'Lunch.',
  });
  expect(await held()).toBe(1);
  await liftControl({ db, bus: createPostgresBus({ db }) }, controlId, BY);

  expect(await held()).toBe(0);
  expect(await resume({ db, bus: createPostgresBus({ db }) }, scope, BY)).toEqual({ lifted: 0 });
  await expect(liftControl({ db, bus: createPostgresBus({ db }) }, 999, BY)).rejects.toMatchObject({
    code: 'NOT_FOUND',
  });
  await resetBreaker({ db }, scope, BY);
});
