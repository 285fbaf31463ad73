import { describe, expect } from 'vitest';

import { test } from '../../test/database.ts';
import { sql } from '../db/sql.ts';
import { findWorkerSession } from '../db/worker-sessions.ts';
import { CALL, ENOUGH, openModels, working } from './model-fixture.ts';
import { openRunnerFixture } from './runner-fixture.ts';

const MIB = 1024 ** 2;
const GROW =
  'node -e "const held = []; setInterval(() => held.push(Buffer.alloc(50 * 2 ** 20, 1)), 20)"';

describe.each([
  { what: 'crashes', commands: ['kill -9 $PPID'], reason: 'crashed' },
  { what: 'is silent', commands: ['sleep 60'], limits: { idleMs: 2000 }, reason: 'timeout_idle' },
  {
    what: 'is out of memory',
    commands: [GROW],
    limits: { memoryBytes: 400 * MIB },
    reason: 'limit_memory',
  },
] as const)('a worker that $what', ({ commands, reason, ...rest }) => {
  test(`is named ${reason}, counted, and started again after a moment`, async ({ db }) => {
    await using s = await openRunnerFixture(db);
    await using models = await openModels(s, working(...commands));
    const limits = { ...ENOUGH, ...('limits' in rest && rest.limits), attempts: 3 };
    await s.apply({ builder: { providers: [{ name: 'codex' }], limits } });
    const id = await s.queue();
    s.start(models.deps);

    const job = await s.until(id, 'waiting', 'failed');

    expect(job).toMatchObject({
      state: 'waiting',
      waitReason: 'retry',
      reason,
      attempts: 1,
      uncounted: 0,
    });
    const waitMs = (job.wakeAt?.getTime() ?? 0) - job.updatedAt.getTime();
    expect(waitMs).toBeGreaterThan(500);
    expect(waitMs).toBeLessThan(1500);
    // Charged is what was seen to the end.
    expect(job.microUsd).toBe(models.standIn.requests.length * CALL.microUsd);
  });
});

test('a worker that the kernel ended for want of memory has not crashed', async ({ db }) => {
  await using s = await openRunnerFixture(db);
  await using models = await openModels(s, working('kill -9 $PPID'));
  await s.apply({ builder: { providers: [{ name: 'codex' }], limits: ENOUGH } });
  const id = await s.queue();
  let asked = 0;
  // As if it had ended one process more whenever it is asked.
  s.start({ ...models.deps, oomKills: () => (asked += 1) });

  const job = await s.until(id, 'waiting', 'failed');

  expect([job.reason, job.detail]).toEqual([
    'limit_memory',
    'The worker was ended by the kernel, because the memory of this machine ran out.',
  ]);
});

test('a worker that goes round in circles is ended, and not started again', async ({ db }) => {
  await using s = await openRunnerFixture(db);
  const commands = Array.from({ length: 40 }, (_, i) => (i % 2 === 0 ? 'true' : 'ls'));
  await using models = await openModels(s, working(...commands));
  await s.apply({
    builder: { providers: [{ name: 'claude' }], limits: { ...ENOUGH, turns: 200, attempts: 3 } },
  });
  const id = await s.queue();
  s.start(models.deps);

  const job = await s.until(id, 'waiting', 'failed', 'publishing');

  expect([job.state, job.reason, job.detail]).toEqual([
    'failed',
    'loop',
    'It made the same 2 calls 12 times in a row: Bash.',
  ]);
});

test.for(['codex', 'claude'] as const)(
  '%s may call its model as often as `limits.turns` says',
  async (name, { db }) => {
    await using s = await openRunnerFixture(db);
    const commands = Array.from({ length: 40 }, (_, i) => `echo ${i}`);
    await using models = await openModels(s, working(...commands));
    await s.apply({ builder: { providers: [{ name }], limits: { ...ENOUGH, turns: 4 } } });
    const id = await s.queue();
    s.start(models.deps);

    const job = await s.until(id, 'waiting', 'failed', 'publishing');

    expect(job).toMatchObject({ state: 'failed', reason: 'limit_turns' });
    // Claude Code counts its turns itself; this stand-in for it does not, and is stopped by the gateway.
    expect(models.standIn.requests).toHaveLength(name === 'codex' ? 4 : 8);
  },
);

test('a run whose every tool call failed is no success', async ({ db }) => {
  await using s = await openRunnerFixture(db);
  await using models = await openModels(s, working('false', 'exit 3'));
  await s.apply({ builder: { providers: [{ name: 'codex' }], limits: ENOUGH } });
  const id = await s.queue();
  s.start(models.deps);

  const job = await s.until(id, 'waiting', 'failed', 'publishing');

  expect([job.state, job.reason]).toEqual(['failed', 'provider_error']);
  expect(job.detail).toContain('each of its 2 tool calls failed');
});

test('a planned stop hands the job back uncounted, with its spend booked and its session kept', async ({
  db,
}) => {
  await using s = await openRunnerFixture(db);
  await using models = await openModels(s, working('echo two >> src/add.txt', 'sleep 30'));
  await s.apply({ builder: { providers: [{ name: 'codex' }], limits: ENOUGH } });
  const id = await s.queue();
  const runner = s.start(models.deps);
  await expect.poll(() => s.transcript(id), { timeout: 30_000 }).toContain('sleep 30');

  await runner.stop();

  const [job] = await db.query(
    sql`select state, uncounted, micro_usd as "microUsd" from job where id = ${id}`,
  );
  expect(job).toEqual({ state: 0, uncounted: 1, microUsd: 2 * CALL.microUsd });
  expect(await findWorkerSession(db, id)).toMatchObject({ provider: 'codex' });
});
