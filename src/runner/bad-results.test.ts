import { expect } from 'vitest';

import { test } from '../../test/database.ts';
import { promoteDue } from '../db/promote.ts';
import { sql } from '../db/sql.ts';
import { agentCode } from '../domain/agent.ts';
import { openRunnerFixture, runOnce } from './runner-fixture.ts';
import type { AgentFixture } from './spec-fixture.ts';

const MERGE = `echo '{"type":"merge_request","title":"t","description":"d"}' >> "$AUTODEV_OUTPUTS"`;
const CHANGE = 'echo two >> src/add.txt';

const NOTHING_LEFT = { artifact: undefined, effects: [] };

/** What the worker does, the reason that its attempt ends with, and what its detail says. */
const CASES: readonly [name: string, agent: AgentFixture, reason: string, detail: RegExp][] = [
  [
    'writes an output that is no JSON',
    { worker: 'echo nonsense > "$AUTODEV_OUTPUTS"' },
    'invalid_output',
    /line 1 of outputs\.jsonl: is not JSON/,
  ],
  [
    'writes an output that it may not',
    { worker: MERGE.replace('merge_request', 'review'), allow: {} },
    'invalid_output',
    /has no `/,
  ],
  [
    'asks for a merge request without a change',
    { worker: MERGE },
    'invalid_output',
    /no file changed/,
  ],
  [
    'leaves a FIFO as outputs.jsonl',
    { worker: 'mkfifo "$AUTODEV_OUTPUTS"' },
    'invalid_output',
    /is not a regular file/,
  ],
  [
    'leaves a link as outputs.jsonl',
    { worker: 'ln -s /etc/passwd "$AUTODEV_OUTPUTS"' },
    'invalid_output',
    /is a symbolic link/,
  ],
  [
    'leaves a hard link as outputs.jsonl',
    {
      worker:
        'touch other; ln "$AUTODEV_TASK_FILE" "$AUTODEV_OUTPUTS" 2>/dev/null || { cd "$(dirname "$AUTODEV_OUTPUTS")"; touch a; ln a outputs.jsonl; }',
    },
    'invalid_output',
    /more than one name/,
  ],
  [
    'writes more outputs than are read',
    {
      worker: `for n in $(seq 201); do echo '{"type":"noop","reason":"x"}'; done > "$AUTODEV_OUTPUTS"`,
    },
    'invalid_output',
    /201 lines, 200 are allowed/,
  ],
  [
    'writes an output that is no text',
    {
      worker: `echo '{"type":"issue","title":"a\\u0000b","description":"\\ud800"}' > "$AUTODEV_OUTPUTS"`,
    },
    'invalid_output',
    /line 1 of outputs\.jsonl/,
  ],
  [
    'prints what is no text, and fails',
    { worker: `printf 'a\\000b\\377c\\033[31m'; exit 1` },
    'crashed',
    /code 1, after: ab/,
  ],
  [
    'links out of its tree',
    { worker: `ln -s ../../../etc/passwd src/link; ${MERGE}` },
    'patch_refused',
    /src\/link is a symbolic link/,
  ],
  [
    'leaves a nested repository',
    { worker: `git init -q inner && echo x > inner/x; ${CHANGE}; ${MERGE}` },
    'patch_refused',
    /inner is a nested repository/,
  ],
  [
    'edits a protected path',
    { worker: `echo 'version: 1' > autodev.yaml; ${MERGE}` },
    'patch_refused',
    /autodev\.yaml is protected/,
  ],
  [
    'changes what it may not',
    { worker: `${CHANGE}; ${MERGE}`, allow: { merge_request: { max: 1, paths: ['docs/**'] } } },
    'patch_refused',
    /outside of what this agent may change/,
  ],
  [
    'commits a secret',
    { worker: `echo "token=glpat-""$(printf 'a%.0s' $(seq 24))" > src/config.txt; ${MERGE}` },
    'patch_refused',
    /a GitLab token/,
  ],
  [
    'commits a conflict marker',
    { worker: `printf '<<<<<<< HEAD\\n' >> src/add.txt; ${MERGE}` },
    'patch_refused',
    /conflict marker/,
  ],
  [
    'sets an exec bit',
    { worker: `chmod +x src/add.txt; ${MERGE}` },
    'patch_refused',
    /becomes executable/,
  ],
  [
    'changes more than a patch may hold',
    { worker: `seq 100000 > src/long.txt; ${MERGE}` },
    'invalid_output',
    /are allowed/,
  ],
];

test.for(CASES)('a worker that %s', async ([, agent, reason, detail], { db }) => {
  await using s = await openRunnerFixture(db);

  const job = await runOnce(s, agent);

  expect([job.state, job.reason]).toEqual(['failed', reason]);
  expect(job.detail).toMatch(detail);
  expect(job.left).toEqual(NOTHING_LEFT);
  expect(await s.transcript(job.id)).toMatch(/"stream":"autodev"/);
});

test('what looks like a credential is masked in the transcript', async ({ db }) => {
  await using s = await openRunnerFixture(db);

  const job = await runOnce(s, {
    worker: `echo "key glpat-""$(printf 'b%.0s' $(seq 24)) end"; exit 1`,
  });

  const said = await s.transcript(job.id);
  expect(said).toContain('key [a GitLab token, masked] end');
  expect(said).not.toMatch(/glpat-b/);
});

test('a setup that fails ends the attempt before its worker', async ({ db }) => {
  await using s = await openRunnerFixture(db);

  const job = await runOnce(s, { setup: ['echo first', 'exit 4'], worker: 'echo never' });

  expect([job.state, job.reason]).toEqual(['failed', 'setup_failed']);
  expect(job.detail).toBe('`exit 4` ended with code 4.');
  expect(await s.transcript(job.id)).not.toContain('never');
  const checks = await db.query<{ checks: unknown }>(sql`select checks from attempt`);
  expect(checks).toMatchObject([{ checks: [{ exit: 0 }, { command: 'exit 4', exit: 4 }] }]);
});

test('a check that fails keeps the change inside', async ({ db }) => {
  await using s = await openRunnerFixture(db);

  const job = await runOnce(s, {
    worker: `${CHANGE}; ${MERGE}`,
    check: ['grep three src/add.txt'],
  });

  expect([job.state, job.reason]).toEqual(['failed', 'check_failed']);
  expect(job.left).toEqual(NOTHING_LEFT);
});

test('a failure is tried again while attempts are left', async ({ db }) => {
  await using s = await openRunnerFixture(db);

  const job = await runOnce(s, { worker: 'exit 1', limits: { attempts: 2 } });

  expect([job.state, job.waitReason, job.uncounted]).toEqual(['waiting', 'retry', 0]);
  expect(job.wakeAt?.getTime()).toBeGreaterThan(job.updatedAt.getTime());
});

test('a script that writes nothing is tried once more, whatever its attempts allow', async ({
  db,
}) => {
  await using s = await openRunnerFixture(db);
  const first = await runOnce(s, { worker: 'true', limits: { attempts: 5 } });
  await db.query(sql`update job set wake_at = now() where id = ${first.id}`);
  await promoteDue(db, 1);

  const runner = s.start();
  const second = await s.until(first.id, 'failed', 'waiting');
  await runner.stop();

  expect(first).toMatchObject({ state: 'waiting', reason: 'no_output' });
  expect(second).toMatchObject({ state: 'failed', reason: 'no_output', attempts: 2 });
});

test('a hand-off to an agent that was taken away meanwhile fails its job and not the runner', async ({
  db,
}) => {
  await using s = await openRunnerFixture(db);
  const handOff = { type: 'hand_off', agent: 'tester', title: 'Test it', task: 'Please.' };
  await s.apply({
    builder: {
      worker: `echo '${JSON.stringify(handOff)}' >> "$AUTODEV_OUTPUTS"`,
    },
    tester: {},
  });
  await db.query(sql`delete from lane where agent = ${agentCode('tester')}`);
  const id = await s.queue();
  const runner = s.start();

  const job = await s.until(id, 'failed', 'waiting', 'succeeded');
  await runner.stop();

  expect([job.reason, job.detail]).toEqual(['internal', 'The result could not be written.']);
});
