import { expect } from 'vitest';

import { test } from '../../test/database.ts';
import { newJob, newRunner, resetQueue } from '../../test/queue.ts';
import type { AgentSpec } from '../domain/spec.ts';
import type { AttemptEnding, AttemptFence } from './attempts.ts';
import { endAttempt, getAttempt, insertAttempts, setAttemptProcess } from './attempts.ts';
import { lockWindows } from './budgets.ts';
import type { Db } from './db.ts';
import { insertJobs } from './enqueue.ts';
import { getJob } from './job-rows.ts';
import { endLostAttempts, listOpenAttemptsOfKey } from './lost-attempts.ts';
import { upsertRunNote } from './run-notes.ts';
import { endLostJobs } from './runners.ts';
import { sql } from './sql.ts';
import { appendTranscript } from './transcripts.ts';
import { turn } from './turn.ts';
import { readTranscript } from './views/transcript.ts';

const spec: AgentSpec = {
  enabled: true,
  mode: 'live',
  providers: [],
  concurrency: 1,
  limits: {
    tokens: 10,
    microUsd: 10,
    turns: 1,
    wallMs: 1,
    idleMs: 1,
    attempts: 2,
    memoryBytes: 1,
    min: 0,
    lifetimeMs: 1,
  },
  maxOpenMergeRequests: 1,
  neverDowngrade: false,
  setup: [],
  check: [],
  network: { allow: [] },
  env: {},
  paths: [],
  allow: {},
};

const ending: AttemptEnding = {
  reason: 'succeeded',
  detail: null,
  counted: true,
  tokens: 7,
  microUsd: 9,
  exact: true,
  checks: [{ command: 'true', exit: 0, ms: 3 }],
};

/** One claimed job whose attempt is open. */
async function setup(db: Db): Promise<AttemptFence> {
  await resetQueue(db);
  await insertJobs(db, [newJob()]);
  const { runner, epoch } = await newRunner(db);
  const agents = ['builder'] as const;
  const { claimed } = await turn(db, { ends: [], runner, epoch, agents, claim: 1, lanes: 8 });
  const [window] = await db.transaction((tx) =>
    lockWindows(tx, [
      {
        scope: `repo:${claimed[0]?.id}`,
        unit: 'tokens',
        period: 'lifetime',
        startsAt: new Date(0),
        endsAt: null,
      },
    ]),
  );
  const windows = window ? [window.id] : [];
  await db.query(sql`update budget_window set reserved = 40, spent = 0 where id = ${window?.id}`);
  const fence = { jobId: claimed[0]?.id ?? 0, attempt: 1, runner, epoch };
  await insertAttempts(db, [
    {
      ...fence,
      provider: 'command',
      model: null,
      spec,
      digest: 'd',
      revisionId: 1,
      sandboxed: true,
      reservedMicroUsd: 0,
      reservedTokens: 40,
      windows,
    },
  ]);
  return fence;
}

test('an attempt ends once, for its owner alone, and books its spend on the job', async ({
  db,
}) => {
  const fence = await setup(db);

  const stale = await endAttempt(db, { ...fence, epoch: fence.epoch + 1 }, ending);
  const first = await endAttempt(db, fence, ending);
  const second = await endAttempt(db, fence, ending);

  expect([stale, first, second]).toEqual([false, true, false]);
  expect(await getAttempt(db, fence)).toMatchObject({ reason: 'succeeded', checks: ending.checks });
  expect(await getJob(db, fence.jobId)).toMatchObject({ tokens: 7, microUsd: 9 });
});

test('the process of an attempt is found by the key of its runner until the attempt ends', async ({
  db,
}) => {
  const fence = await setup(db);

  await setAttemptProcess(db, fence, { base: 'b'.repeat(40), pid: 17, startTime: 4711 });
  const open = await listOpenAttemptsOfKey(db, 'runner');
  await endAttempt(db, fence, ending);

  expect(open).toMatchObject([{ jobId: fence.jobId, pid: 17, pidStartedAt: '4711', spec }]);
  expect(await listOpenAttemptsOfKey(db, 'runner')).toEqual([]);
});

test('a lost attempt ends with its job, and what it had reserved is free again', async ({ db }) => {
  const fence = await setup(db);
  await db.query(sql`
    insert into ledger (repo_id, job_id, attempt, request, provider, input, output, micro_usd)
    values (1, ${fence.jobId}, 1, 'r1', 'command', 20, 5, 3)
  `);

  await db.transaction(async (tx) => {
    const lost = await endLostJobs(tx, { runner: fence.runner, upToEpoch: fence.epoch });
    await endLostAttempts(tx, lost);
  });

  expect(await getAttempt(db, fence)).toMatchObject({ reason: 'lost' });
  const [window] = await db.query(
    sql`select spent, reserved from budget_window where scope = ${`repo:${fence.jobId}`} order by id desc limit 1`,
  );
  expect(window).toEqual({ spent: 25, reserved: 0 });
});

test('a transcript grows while the attempt is open and ours, and never after', async ({ db }) => {
  const fence = await setup(db);
  await db.query(sql`truncate transcript`);
  const chunk = { chunk: 0, firstLine: 0, lines: ['{"text":"one"}', '{"text":"two"}'] };

  const stored = await appendTranscript(db, fence, chunk);
  const stale = await appendTranscript(db, { ...fence, epoch: 99 }, { ...chunk, chunk: 1 });
  await endAttempt(db, fence, ending);
  const late = await appendTranscript(db, fence, { ...chunk, chunk: 2 });

  expect([stored, stale, late]).toEqual([true, false, false]);
  const after = { attempt: 0, line: -1 };
  expect(await readTranscript(db, { jobId: fence.jobId, after })).toEqual([
    { attempt: 1, line: 0, text: '{"text":"one"}' },
    { attempt: 1, line: 1, text: '{"text":"two"}' },
  ]);
});

test('a job has one note, of its newest attempt', async ({ db }) => {
  const note = {
    jobId: 4,
    repoId: 1,
    agent: 'builder',
    outcome: 'waiting',
    reason: 'crashed',
    title: 't',
    summary: 'first',
    paths: [],
    trust: 'owner',
  } as const;

  await upsertRunNote(db, note);
  await upsertRunNote(db, { ...note, outcome: 'succeeded', reason: 'succeeded', paths: ['a'] });

  expect(
    await db.query(sql`select outcome, reason, paths, accepted from run_note where job_id = 4`),
  ).toEqual([{ outcome: 'succeeded', reason: 'succeeded', paths: ['a'], accepted: false }]);
});
