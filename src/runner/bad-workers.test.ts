import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';

import { expect } from 'vitest';

import { test } from '../../test/database.ts';
import { findArtifact } from '../db/artifacts.ts';
import { listEffects } from '../db/effects.ts';
import { sql } from '../db/sql.ts';
import { openRunnerFixture, type RunnerFixture } from './runner-fixture.ts';
import type { AgentFixture } from './spec-fixture.ts';

const MERGE = `echo '{"type":"merge_request","title":"t","description":"d"}' >> "$AUTODEV_OUTPUTS"`;
const CHANGE = 'echo two >> src/add.txt';

/** Runs one job of an agent to its end and answers what is said about it. */
async function run(s: RunnerFixture, agent: AgentFixture) {
  await s.apply({ builder: agent });
  const id = await s.queue();
  const runner = s.start();
  const job = await s.until(id, 'publishing', 'failed', 'succeeded', 'waiting');
  await runner.stop();
  const left = {
    artifact: await findArtifact(s.deps.db, { jobId: id }),
    effects: await listEffects(s.deps.db, id),
  };
  return { ...job, left };
}

const NOTHING_LEFT = { artifact: undefined, effects: [] };

/** What the worker does, the reason that its attempt ends with, and what its detail says. */
const CASES: readonly [name: string, agent: AgentFixture, reason: string, detail: RegExp][] = [
  [
    'exits 0 without a change or an output',
    { worker: 'true' },
    'no_output',
    /changed nothing and wrote no output/,
  ],
  [
    'ends with an error',
    { worker: 'echo "cannot go on" >&2; exit 3' },
    'crashed',
    /code 3, after: cannot go on/,
  ],
  [
    'prints a gigabyte',
    { worker: 'head -c 1000000000 /dev/zero | tr "\\0" "x\\n"' },
    'limit_output',
    /printed more than/,
  ],
  [
    'eats memory',
    {
      worker: `exec node -e 'const a = []; setInterval(() => a.push(Buffer.alloc(3e7, 1)), 10)'`,
      limits: { memoryBytes: 2e8 },
    },
    'limit_memory',
    /of memory/,
  ],
  [
    'eats disk',
    { worker: 'for n in 1 2 3; do head -c 300000000 /dev/zero > big$n; done; sleep 30' },
    'limit_disk',
    /of disk/,
  ],
  [
    'starts processes without end',
    { worker: `exec bash -c 'while :; do sleep 100 & done 2>/dev/null; sleep 100'` },
    'limit_processes',
    /processes/,
  ],
  ['falls silent', { worker: 'sleep 30', limits: { idleMs: 800 } }, 'timeout_idle', /nothing for/],
  [
    'takes too long',
    { worker: 'while :; do echo on; sleep 0.1; done', limits: { wallMs: 1500 } },
    'timeout_wall',
    /longer than/,
  ],
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

  const job = await run(s, agent);

  expect([job.state, job.reason]).toEqual(['failed', reason]);
  expect(job.detail).toMatch(detail);
  expect(job.left).toEqual(NOTHING_LEFT);
  expect(await s.transcript(job.id)).toMatch(/"stream":"autodev"/);
});

test('a worker that forks and stays takes nothing along: its result stands, its processes are gone', async ({
  db,
}) => {
  await using s = await openRunnerFixture(db);
  const mark = `1000.${process.pid}`;

  const job = await run(s, {
    worker: `${CHANGE}; ${MERGE}; setsid -f sleep ${mark}; (nohup sleep ${mark} &); echo started`,
  });

  expect([job.state, job.reason]).toEqual(['publishing', 'succeeded']);
  expect(job.left.artifact?.stat.paths).toEqual(['src/add.txt']);
  expect(spawnSync('pgrep', ['-f', `sleep ${mark}`]).status).toBe(1);
});

test('a worker that never ends a line is kept in bounds and its result stands', async ({ db }) => {
  await using s = await openRunnerFixture(db);

  const job = await run(s, {
    worker: `head -c 5000000 /dev/zero | tr '\\0' x; ${CHANGE}; ${MERGE}`,
  });

  expect(job.state).toBe('publishing');
  expect(await s.transcript(job.id)).toMatch(/\[line cut\]/);
});

test('what looks like a credential is masked in the transcript', async ({ db }) => {
  await using s = await openRunnerFixture(db);

  const job = await run(s, {
    worker: `echo "key glpat-""$(printf 'b%.0s' $(seq 24)) end"; exit 1`,
  });

  const said = await s.transcript(job.id);
  expect(said).toContain('key [a GitLab token, masked] end');
  expect(said).not.toMatch(/glpat-b/);
});

test('a setup that fails ends the attempt before its worker', async ({ db }) => {
  await using s = await openRunnerFixture(db);

  const job = await run(s, { setup: ['echo first', 'exit 4'], worker: 'echo never' });

  expect([job.state, job.reason]).toEqual(['failed', 'setup_failed']);
  expect(job.detail).toBe('`exit 4` ended with code 4.');
  expect(await s.transcript(job.id)).not.toContain('never');
  const checks = await db.query<{ checks: unknown }>(sql`select checks from attempt`);
  expect(checks).toMatchObject([{ checks: [{ exit: 0 }, { command: 'exit 4', exit: 4 }] }]);
});

test('a check that fails keeps the change inside', async ({ db }) => {
  await using s = await openRunnerFixture(db);

  const job = await run(s, { worker: `${CHANGE}; ${MERGE}`, check: ['grep three src/add.txt'] });

  expect([job.state, job.reason]).toEqual(['failed', 'check_failed']);
  expect(job.left).toEqual(NOTHING_LEFT);
});

test('a failure is tried again while attempts are left', async ({ db }) => {
  await using s = await openRunnerFixture(db);

  const job = await run(s, { worker: 'exit 1', limits: { attempts: 2 } });

  expect([job.state, job.waitReason, job.uncounted]).toEqual(['waiting', 'retry', 0]);
  expect(job.wakeAt?.getTime()).toBeGreaterThan(job.updatedAt.getTime());
});

test('a result with bytes that are no text, and a tree that is hard to remove, do no harm', async ({
  db,
}) => {
  await using s = await openRunnerFixture(db);
  const worker = `{ seq 4000; printf 'a\\000b\\n'; } > src/late.txt; ${MERGE}
    cd "$HOME"; for n in $(seq 300); do mkdir deep-deep-deep-deep && cd deep-deep-deep-deep; done
    mkdir closed; chmod 000 closed`;

  const job = await run(s, { worker });

  expect([job.state, job.detail]).toEqual(['publishing', 'The work is done.']);
  expect(job.left.artifact?.stat.paths).toEqual(['src/late.txt']);
  expect(readdirSync(join(s.deps.folder, 'workspaces'))).toEqual([]);
});
