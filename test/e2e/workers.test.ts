import { expect } from 'vitest';

import { runJob, untilInForce, untilJob } from './follow-jobs.ts';
import type { Instance } from './instance.ts';
import { sandboxArgs } from './instance.ts';
import { processesWith } from './leftovers.ts';
import { test as base } from './machine-test.ts';
import { CHANGE, MERGE_REQUEST, obedientFiles } from './obedient-repository.ts';
import { until } from './until.ts';

// Three failures in a row would stop a lane, so each case has the lane of another agent.
const AGENTS = ['builder', 'tester', 'devops', 'security', 'reviewer'];

const test = base.extend<{ $file: { instance: Instance } }>({
  instance: [
    async ({ machine, instances }, use) => {
      const repo = await machine.repository('app', obedientFiles({ agents: AGENTS }));
      const instance = await instances({ args: ['--repo', repo, ...sandboxArgs()] });
      await untilInForce(instance, 'app');
      await use(instance);
    },
    { scope: 'file' },
  ],
});

/** What the worker does, the end reason, and what `autodev job` says of it. */
const CASES: readonly [name: string, task: string, reason: string, page: RegExp][] = [
  [
    'prints a gigabyte',
    'head -c 1000000000 /dev/zero | tr "\\0" "x"',
    'limit_output',
    /printed more than/,
  ],
  [
    'edits a protected path',
    `echo "# mine" >> autodev.yaml; ${MERGE_REQUEST}`,
    'patch_refused',
    /autodev\.yaml is protected/,
  ],
  [
    'leaves a FIFO where its outputs should be',
    'mkfifo "$AUTODEV_OUTPUTS"',
    'invalid_output',
    /not a regular file/,
  ],
  ['says nothing and changes nothing', 'true', 'no_output', /changed nothing and wrote no output/],
  [
    'links out of its tree',
    `ln -s /etc/passwd src/link; ${MERGE_REQUEST}`,
    'patch_refused',
    /link/,
  ],
];

test.for(CASES)('a worker that %s', async ([name, task, reason, page], { instance }) => {
  const agent = AGENTS[CASES.findIndex((one) => one[0] === name)];
  const { id } = await runJob(instance, 'app', task, agent);

  const job = await untilJob(instance, id, ['failed']);
  const shown = await instance.cli('job', id);

  expect(job).toMatchObject({ reason, attempts: 1, branch: null, merge_request: null });
  expect(shown.stdout).toContain(`because     ${reason}: `);
  expect(shown.stdout).toMatch(page);
});

test('a worker that forks and stays leaves its result, and no process', async ({ instance }) => {
  const stays = `8639${process.pid}`;
  const task = `setsid -f sleep ${stays}; (nohup sleep ${stays} > /dev/null 2>&1 &) ; ${CHANGE}`;

  const { id } = await runJob(instance, 'app', task);
  const job = await untilJob(instance, id, ['review']);

  expect(job.reason).toBe('succeeded');
  await until(
    'what it left is gone',
    () => processesWith(`sleep\0${stays}`),
    (left) => left.length === 0,
    { withinMs: 5000 },
  );
});
