import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';

import { expect } from 'vitest';

import { test } from '../../test/database.ts';
import { openRunnerFixture, runOnce } from './runner-fixture.ts';
import type { AgentFixture } from './spec-fixture.ts';

const MERGE = `echo '{"type":"merge_request","title":"t","description":"d"}' >> "$AUTODEV_OUTPUTS"`;
const CHANGE = 'echo two >> src/add.txt';

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
  [
    'falls silent',
    { worker: 'sleep 30', limits: { idleMs: 800 } },
    'timeout_idle',
    /nothing for `limits\.idle` \(800 ms\)/,
  ],
  [
    'takes too long',
    { worker: 'while :; do echo on; sleep 0.1; done', limits: { wallMs: 1500 } },
    'timeout_wall',
    /^The worker was not done after `limits\.wall` \(1\.5 s\)\.$/,
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

test('a worker that forks and stays takes nothing along: its result stands, its processes are gone', async ({
  db,
}) => {
  await using s = await openRunnerFixture(db);
  const mark = `1000.${process.pid}`;

  const job = await runOnce(s, {
    worker: `${CHANGE}; ${MERGE}; setsid -f sleep ${mark}; (nohup sleep ${mark} &); echo started`,
  });

  expect([job.state, job.reason]).toEqual(['publishing', 'succeeded']);
  expect(job.left.artifact?.stat.paths).toEqual(['src/add.txt']);
  expect(spawnSync('pgrep', ['-f', `sleep ${mark}`]).status).toBe(1);
});

test('a worker that never ends a line is kept in bounds and its result stands', async ({ db }) => {
  await using s = await openRunnerFixture(db);

  const job = await runOnce(s, {
    worker: `head -c 5000000 /dev/zero | tr '\\0' x; ${CHANGE}; ${MERGE}`,
  });

  expect(job.state).toBe('publishing');
  expect(await s.transcript(job.id)).toMatch(/\[line cut\]/);
});

test('a result with bytes that are no text, and a tree that is hard to remove, do no harm', async ({
  db,
}) => {
  await using s = await openRunnerFixture(db);
  const worker = `{ seq 4000; printf 'a\\000b\\n'; } > src/late.txt; ${MERGE}
    cd "$HOME"; for n in $(seq 300); do mkdir deep-deep-deep-deep && cd deep-deep-deep-deep; done
    mkdir closed; chmod 000 closed`;

  const job = await runOnce(s, { worker });

  expect([job.state, job.detail]).toEqual(['publishing', 'The work is done.']);
  expect(job.left.artifact?.stat.paths).toEqual(['src/late.txt']);
  expect(readdirSync(join(s.deps.folder, 'workspaces'))).toEqual([]);
});
