import { describe, expect } from 'vitest';

import { test } from '../../test/database.ts';
import { promoteDue } from '../db/promote.ts';
import { sql } from '../db/sql.ts';
import { findWorkerSession } from '../db/worker-sessions.ts';
import { CALL, ENOUGH, openModels, working } from './model-fixture.ts';
import type { RunnerFixture } from './runner-fixture.ts';
import { openRunnerFixture } from './runner-fixture.ts';

/** Fails in its first attempt, where a check is missing what only the second one does. */
const TWICE = {
  limits: { ...ENOUGH, attempts: 2 },
  check: ['test -e second'],
};

async function goOn(s: RunnerFixture, id: number): Promise<void> {
  await s.until(id, 'waiting');
  await s.deps.db.query(sql`update job set wake_at = now() where id = ${id}`);
  await promoteDue(s.deps.db, 10);
}

describe.each(['codex', 'claude'] as const)('%s', (name) => {
  test('goes on with its session, and what it counted before is not counted again', async ({
    db,
  }) => {
    await using s = await openRunnerFixture(db);
    const work = working('echo one >> src/add.txt');
    await using models = await openModels(s, (request) =>
      JSON.stringify(request.body).split('Your task').length > 2
        ? working('true', 'touch second')(request)
        : work(request),
    );
    await s.apply({ builder: { ...TWICE, providers: [{ name }] } });
    const id = await s.queue();
    s.start(models.deps);
    await goOn(s, id);
    const first = await findWorkerSession(db, id);

    const job = await s.until(id, 'publishing', 'failed');

    expect([job.state, job.detail]).toEqual(['publishing', 'The work is done.']);
    const second = await findWorkerSession(db, id);
    expect(second?.sessionId).toBe(first?.sessionId);
    const calls = models.standIn.requests.length;
    expect(job.microUsd).toBe(calls * CALL.microUsd);
    expect(first?.used).toMatchObject({ output: 2 * 45 });
    expect(second?.used).toMatchObject({ output: calls * 45 });
    // It remembers what it did, and is told why that was not enough.
    const last = JSON.stringify(models.standIn.requests.at(-1)?.body);
    expect(last).toContain('echo one >> src/add.txt');
    expect(last).toContain('`test -e second` ended with code 1');
  });

  test('begins afresh in the same attempt when its session is gone', async ({ db }) => {
    await using s = await openRunnerFixture(db);
    await using models = await openModels(s, (request) =>
      working(`touch ${JSON.stringify(request.body).includes('was made by') ? 'second' : 'first'}`)(
        request,
      ),
    );
    await s.apply({ builder: { ...TWICE, providers: [{ name }] } });
    const id = await s.queue();
    s.start(models.deps);
    await s.until(id, 'waiting');
    await db.query(sql`update worker_session set path = path || '.elsewhere'`);
    await goOn(s, id);

    const job = await s.until(id, 'publishing', 'failed');

    expect([job.state, job.detail, job.attempts]).toEqual(['publishing', 'The work is done.', 2]);
    expect(await s.transcript(id)).toContain(
      'The earlier session is gone: the worker begins afresh.',
    );
  });
});

test('a job that goes on from another one goes on with its session, if it has the same trust', async ({
  db,
}) => {
  await using s = await openRunnerFixture(db);
  await using models = await openModels(s, (request) =>
    JSON.stringify(request.body).includes('Smaller.')
      ? { kind: 'text', text: 'As you like.' }
      : working('echo two >> src/add.txt')(request),
  );
  await s.apply({ builder: { providers: [{ name: 'claude' }], limits: ENOUGH } });
  const first = await s.queue();
  s.start(models.deps);
  await s.until(first, 'publishing');
  const changes = {
    trigger: { kind: 'changes', actor: 'ada', from_job: first },
    input: [{ kind: 'changes', author: 'ada', text: 'Smaller.', at: '2026-01-01T00:00:00Z' }],
  } as const;

  const same = await s.queue({ ...changes, dedupeKey: 'same' });
  await s.until(same, 'publishing', 'failed');
  const less = await s.queue({ ...changes, dedupeKey: 'less', trust: 'reporter' });
  await s.until(less, 'publishing', 'failed');

  const [withSession, without] = models.standIn.requests
    .slice(2)
    .map(({ body }) => JSON.stringify(body).includes('tool_result'));
  expect([withSession, without]).toEqual([true, false]);
});

test('after too long a conversation the next attempt does not go on with it', async ({ db }) => {
  await using s = await openRunnerFixture(db);
  const work = working('touch second');
  let calls = 0;
  await using models = await openModels(s, (request) => {
    calls += 1;
    return calls === 2
      ? {
          kind: 'error',
          status: 400,
          code: 'context_length_exceeded',
          message: 'Your input exceeds the context window of this model.',
        }
      : work(request);
  });
  await s.apply({ builder: { ...TWICE, providers: [{ name: 'codex' }] } });
  const id = await s.queue();
  s.start(models.deps);
  await goOn(s, id);

  const job = await s.until(id, 'publishing', 'failed');

  expect(job.state).toBe('publishing');
  const reasons = await db.query(
    sql`select reason from attempt where job_id = ${id} order by attempt`,
  );
  expect(reasons).toEqual([{ reason: 'context_overflow' }, { reason: 'succeeded' }]);
  expect(JSON.stringify(models.standIn.requests[2]?.body)).not.toContain('function_call_output');
});
