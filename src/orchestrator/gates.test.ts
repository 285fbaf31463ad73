import { rmSync } from 'node:fs';
import { join } from 'node:path';

import { expect } from 'vitest';

import { test } from '../../test/database.ts';
import { counterDrift } from '../../test/queue.ts';
import type { Db } from '../db/db.ts';
import { listGatesToDecide, listOpenGatesOfJob } from '../db/gates.ts';
import { lockJob } from '../db/job-locks.ts';
import { findMergeRequest } from '../db/merge-requests.ts';
import { sql } from '../db/sql.ts';
import { createWake } from '../db/wake.ts';
import type { Forge } from '../forge/forge.ts';
import { systemClock } from '../kernel/clock.ts';
import type { NewVote } from './acts/cast-vote.ts';
import { castVote } from './acts/cast-vote.ts';
import { createGateService, decideGate, expireGates } from './decide-gates.ts';
import { carryOutEffects } from './effects.ts';
import { tieLooseEnds } from './loose-ends.ts';
import type { OrchestratorFixture } from './orchestrator-fixture.ts';
import { OPERATOR, orchestratorFixture, publishAll } from './orchestrator-fixture.ts';
import { finishPublishing } from './publishing.ts';
import { rule } from './spec-fixture.ts';

/** A job whose merge request waits for people. */
async function inReview(db: Db, fixture: OrchestratorFixture) {
  const jobId = await fixture.work({ files: { 'src/add.ts': 'export const one = 2;\n' } });
  await publishAll(fixture);
  const [gate] = await listOpenGatesOfJob(db, jobId);
  const request = await findMergeRequest(db, gate?.mergeRequestId ?? 0);
  if (!gate || !request) {
    throw new Error('no gate was opened');
  }
  return { jobId, gate, request };
}

/** Casts a vote while the orchestrator's service runs, as it does in production. */
async function vote(
  { deps, signal }: OrchestratorFixture,
  gateId: number,
  change: Partial<NewVote> = {},
): Promise<string> {
  const stop = new AbortController();
  using wake = await createWake({ db: deps.db, clock: systemClock, channel: 'gate' });
  const service = createGateService({ ...deps, wake })(AbortSignal.any([signal, stop.signal]));
  try {
    const { message } = await castVote({ ...deps, wake }, gateId, {
      voter: OPERATOR,
      verdict: 'approve',
      via: 'cli',
      ...change,
    });
    return message;
  } finally {
    stop.abort();
    await service;
  }
}

test('approving merges, ends the job and deletes the branch', async ({ db }) => {
  using fixture = await orchestratorFixture(db);
  const { jobId, gate, request } = await inReview(db, fixture);
  fixture.git.sh(['switch', '--quiet', '-c', 'mine']);

  const message = await vote(fixture, gate.id);
  await publishAll(fixture);

  expect(message).toBe('Approved and merged.');
  expect(await fixture.job(jobId)).toMatchObject({ state: 'succeeded' });
  expect(await findMergeRequest(db, request.id)).toMatchObject({ state: 'merged' });
  expect(fixture.git.sh(['show', 'main:src/add.ts'])).toBe('export const one = 2;');
  expect(fixture.git.sh(['branch', '--list', 'autodev/*'])).toBe('');
  expect(await counterDrift(db)).toBe(0);
});

test('a working copy with changes in it refuses with the command, and the next vote tries again', async ({
  db,
}) => {
  using fixture = await orchestratorFixture(db);
  const { jobId, gate } = await inReview(db, fixture);
  fixture.git.write('src/add.ts', 'export const one = 3;\n');

  await expect(vote(fixture, gate.id)).rejects.toMatchObject({
    code: 'WORKING_COPY_DIRTY',
    remedy: expect.stringContaining('git -C'),
  });
  expect(await fixture.job(jobId)).toMatchObject({ state: 'review' });
  fixture.git.sh(['checkout', '--quiet', '--', '.']);
  const message = await vote(fixture, gate.id);

  expect(message).toBe('Approved and merged.');
  expect(fixture.git.sh(['status', '--porcelain'])).toBe('');
});

test('rejecting ends the job with the reason and keeps the branch', async ({ db }) => {
  using fixture = await orchestratorFixture(db);
  const { jobId, gate, request } = await inReview(db, fixture);

  await vote(fixture, gate.id, { verdict: 'reject', note: 'Not like this.' });

  expect(await fixture.job(jobId)).toMatchObject({
    state: 'rejected',
    reason: 'rejected',
    detail: 'Not like this.',
  });
  expect(await findMergeRequest(db, request.id)).toMatchObject({ state: 'closed' });
  expect(fixture.git.sh(['rev-parse', request.branch])).toBe(request.head);
});

test('asking for changes makes one successor that continues the merge request', async ({ db }) => {
  using fixture = await orchestratorFixture(db);
  const { jobId, gate, request } = await inReview(db, fixture);

  await vote(fixture, gate.id, { verdict: 'changes', note: 'Add a test.' });

  const [successor] = await db.query<{ id: number }>(
    sql`select id from job where parent_id = ${jobId}`,
  );
  const id = successor?.id ?? 0;
  expect(await fixture.job(jobId)).toMatchObject({ state: 'cancelled', reason: 'superseded' });
  expect(await fixture.job(id)).toMatchObject({
    state: 'queued',
    rootId: jobId,
    branch: request.branch,
    base: request.head,
    mergeRequestId: request.id,
    input: [{ kind: 'changes', author: OPERATOR, text: 'Add a test.' }],
  });

  await fixture.claim(id);
  await fixture.complete(id, { base: request.head, files: { 'src/add.test.ts': 'test\n' } });
  await publishAll(fixture);
  const [next] = await listOpenGatesOfJob(db, id);

  expect(await fixture.job(id)).toMatchObject({ state: 'review' });
  expect(next).toMatchObject({ mergeRequestId: request.id });
  expect(await vote(fixture, next?.id ?? 0)).toBe('Approved and merged.');
  expect(await fixture.job(id)).toMatchObject({ state: 'succeeded' });
  expect(await tieLooseEnds(fixture.deps)).toBe(0);
  expect(await counterDrift(db)).toBe(0);
});

test('an answer queues the same job again, without counting the attempt', async ({ db }) => {
  using fixture = await orchestratorFixture(db);
  const jobId = await fixture.work({
    outputs: [{ type: 'question', text: 'Half up or half even?' }],
  });
  await carryOutEffects(fixture.deps, fixture.signal);
  const [gate] = await listOpenGatesOfJob(db, jobId);
  // The vote arrives before the job has come to wait for it.
  const early = vote(fixture, gate?.id ?? 0, { verdict: 'answer', note: 'Half up.' });
  await finishPublishing(fixture.deps);

  expect(await early).toBe('Answered; the job goes on.');
  expect(await fixture.job(jobId)).toMatchObject({
    state: 'queued',
    attempts: 1,
    uncounted: 1,
    input: [{ kind: 'answer', author: OPERATOR, text: 'Half up.' }],
  });
  expect(await counterDrift(db)).toBe(0);
});

test.for([
  ['\nHalf up or half even?\nThe tests say neither.', 'Half up or half even?'],
  ['w'.repeat(130), `${'w'.repeat(119)}…`],
])(
  'a question is titled by its first line, and its gate holds all of it',
  async ([text = '', title], { db }) => {
    using fixture = await orchestratorFixture(db);
    const jobId = await fixture.work({ outputs: [{ type: 'question', text }] });

    await carryOutEffects(fixture.deps, fixture.signal);

    expect(await listOpenGatesOfJob(db, jobId)).toMatchObject([{ title, body: text }]);
  },
);

test('a gate whose time is over ends as rejected', async ({ db }) => {
  using fixture = await orchestratorFixture(db, { approvals: { default: rule({ expiresMs: 1 }) } });
  const { jobId, gate, request } = await inReview(db, fixture);

  expect(await expireGates(fixture.deps)).toBe(1);

  expect(await fixture.job(jobId)).toMatchObject({ state: 'rejected', reason: 'expired' });
  expect(await findMergeRequest(db, request.id)).toMatchObject({ state: 'closed' });
  await expect(vote(fixture, gate.id)).rejects.toThrow(`g_${gate.id} is expired already`);
});

test('a vote for another commit, without a word, or on a closed gate is refused', async ({
  db,
}) => {
  using fixture = await orchestratorFixture(db);
  const { gate } = await inReview(db, fixture);

  await expect(vote(fixture, gate.id, { head: 'a'.repeat(40) })).rejects.toMatchObject({
    code: 'CONFLICT',
  });
  await expect(vote(fixture, gate.id, { verdict: 'reject' })).rejects.toThrow('needs a word');
  await expect(vote(fixture, gate.id, { verdict: 'answer', note: 'x' })).rejects.toThrow(
    'asks for a decision',
  );
  // A short form of the head is as good as the whole.
  expect(await vote(fixture, gate.id, { head: gate.head?.slice(0, 8) })).toBe(
    'Approved and merged.',
  );
  await expect(vote(fixture, gate.id)).rejects.toThrow('is approved already');
  await expect(vote(fixture, 12_345)).rejects.toMatchObject({ code: 'NOT_FOUND' });
});

test('the vote of a stranger decides nothing, and does not hide the one that counts', async ({
  db,
}) => {
  using fixture = await orchestratorFixture(db);
  const { jobId, gate } = await inReview(db, fixture);

  const stranger = await vote(fixture, gate.id, { voter: 'eve' });
  const own = await vote(fixture, gate.id, { verdict: 'changes', note: 'Smaller.' });

  expect(stranger).toBe('The vote is recorded; the gate waits for more.');
  expect(own).toBe('Sent back; a new job works on your note.');
  expect(await fixture.job(jobId)).toMatchObject({ state: 'cancelled' });
});

test('two orchestrators decide once', async ({ db }) => {
  using fixture = await orchestratorFixture(db);
  const { jobId, gate } = await inReview(db, fixture);
  await db.query(sql`
    insert into vote (gate_id, voter, role, verdict, head, note, self, via)
    values (${gate.id}, ${OPERATOR}, 'owner', 'changes', ${gate.head}, 'Smaller.', true, 'cli')
  `);

  await Promise.all([1, 2, 3].map(() => decideGate(fixture.deps, gate.id, fixture.signal)));

  const successors = await db.query(sql`select 1 from job where parent_id = ${jobId}`);
  expect(successors).toHaveLength(1);
  expect(await counterDrift(db)).toBe(0);
});

test('a decision that cannot be carried out undoes what it began', async ({ db }) => {
  using fixture = await orchestratorFixture(db);
  const { jobId, gate } = await inReview(db, fixture);
  await db.query(sql`delete from lane where repo_id = ${fixture.repoId} and agent = 3`);

  await expect(
    vote(fixture, gate.id, { verdict: 'changes', note: 'Smaller.' }),
  ).rejects.toMatchObject({ code: 'NOT_FOUND' });

  expect(await db.transaction((tx) => lockJob(tx, jobId))).toMatchObject({ state: 'review' });
  expect(await listOpenGatesOfJob(db, jobId)).toHaveLength(1);
});

test('a bug in one decision is told to its voter, tried again by itself, and crashes nothing', async ({
  db,
}) => {
  using fixture = await orchestratorFixture(db);
  const { jobId, gate } = await inReview(db, fixture);
  const forge: Forge = Object.assign(Object.create(fixture.deps.forge), {
    merge: () => Promise.reject(new TypeError('merge of undefined')),
  });

  const failed = vote({ ...fixture, deps: { ...fixture.deps, forge } }, gate.id);

  await expect(failed).rejects.toMatchObject({ code: 'INTERNAL' });
  expect(await db.query(sql`select sweep, row_id, tries from setback`)).toEqual([
    { sweep: 'vote', row_id: gate.id, tries: 1 },
  ]);
  expect(await listGatesToDecide(db, 10)).toEqual([]);

  await db.query(sql`update setback set due_at = now()`);
  expect(await listGatesToDecide(db, 10)).toEqual([gate.id]);
  await decideGate(fixture.deps, gate.id, fixture.signal);
  expect(await fixture.job(jobId)).toMatchObject({ state: 'succeeded' });
  expect(await db.query(sql`select 1 from setback`)).toEqual([]);
});

test('another git in the working copy is told to the voter, who may try again', async ({ db }) => {
  using fixture = await orchestratorFixture(db);
  const { gate } = await inReview(db, fixture);
  fixture.git.write('.git/index.lock', '');

  await expect(vote(fixture, gate.id)).rejects.toMatchObject({ code: 'BUSY' });
  rmSync(join(fixture.git.path, '.git/index.lock'));

  expect(await vote(fixture, gate.id)).toBe('Approved and merged.');
});
