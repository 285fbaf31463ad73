import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';

import { expect } from 'vitest';

import type { AgentLane } from '../../src/db/views/agent-list.ts';
import type { JobDetail } from '../../src/db/views/job-detail.ts';
import { runJob, untilInForce, untilJob } from './follow-jobs.ts';
import type { Instance } from './instance.ts';
import { sandboxArgs } from './instance.ts';
import { processesWith } from './leftovers.ts';
import { test as base } from './machine-test.ts';
import type { Machine } from './machine.ts';
import { CHANGE, obedientFiles } from './obedient-repository.ts';
import { until } from './until.ts';

/** Each test starts and stops instances on the same data directory, which begins with one repository. */
const test = base.extend<{ $file: { repo: string; start: () => Promise<Instance> } }>({
  repo: [
    async ({ machine }, use) =>
      use(await machine.repository('app', obedientFiles({ config: 'concurrency: 4' }))),
    { scope: 'file' },
  ],
  start: [
    async ({ instances, repo }, use) =>
      use(async () => {
        const instance = await instances({ args: ['--repo', repo, ...sandboxArgs()] });
        await untilInForce(instance, 'app');
        return instance;
      }),
    { scope: 'file' },
  ],
});

/** Below every limit of design and far above what is measured, as machines differ. */
const WARM_START_MS = 10_000;
const STOP_MS = 5_000;

test('Ctrl-C ends everything, and a second start goes on where it was', async ({
  machine,
  start,
}) => {
  await using first = await start();
  const reviewed = await runJob(first, 'app', CHANGE);
  await untilJob(first, reviewed.id, ['review']);
  await first.cli('pause', 'app', '--reason', 'Not now');
  const queued = await runJob(first, 'app', CHANGE);
  await first.cli('resume', 'app');
  const running = await runJob(first, 'app', `echo begun; sleep 2; ${CHANGE}`);
  await untilSaid(first, running.id, 'begun');

  const stopped = await first.stop('SIGINT');
  const left = await processesWith(machine.folder);
  await using second = await start();

  expect(stopped.ms).toBeLessThan(STOP_MS);
  expect(left).toEqual([]);
  expect(first.log()).not.toMatch(/FATAL|"level":[4-6]0/);
  console.log(
    `warm start: ready after ${Math.round(second.readyMs)} ms; stop: ${Math.round(stopped.ms)} ms`,
  );
  expect(second.readyMs).toBeLessThan(WARM_START_MS);
  expect(await untilJob(second, reviewed.id, ['review'])).toMatchObject({ attempts: 1 });
  await untilJob(second, queued.id, ['review']);
  await untilJob(second, running.id, ['review']);
  for (const { id } of [reviewed, queued, running]) {
    await expectOneResult(second, machine, id);
  }
});

/** Moments to end everything at, as the log tells them. */
const MOMENTS: readonly [moment: string, pattern: RegExp][] = [
  ['a worker has begun', /"msg":"attempt started"/],
  ['its result is being published', /"msg":"attempt ended"/],
  ['its branch was published', /"msg":"effect done"/],
];

test.for(MOMENTS)(
  'kill -9 of everything when %s loses nothing and counts nothing twice',
  async ([, pattern], { machine, start }) => {
    await using first = await start();
    const mark = `0.${process.pid}`;
    const { id } = await runJob(first, 'app', `sleep ${mark}; sleep 1; ${CHANGE}`);
    await first.untilLog(pattern);

    await first.kill9();
    await until(
      'no worker survives its runner',
      () => processesWith(`sleep ${mark};`),
      (workers) => workers.length === 0,
    );
    await using second = await start();
    await untilJob(second, id, ['review']);
    await expectOneResult(second, machine, id);
    const approved = await second.cli('approve', id);

    expect(approved).toMatchObject({ code: 0 });
    await untilJob(second, id, ['succeeded']);
  },
);

test('a database that is killed comes back, and what ran meanwhile counts once', async ({
  machine,
  start,
}) => {
  await using instance = await start();
  const { id } = await runJob(instance, 'app', `echo begun; sleep 2; ${CHANGE}`);
  await untilSaid(instance, id, 'begun');
  const processes = await processesWith(path.join(instance.data, 'postgres'));
  const postmaster = processes.find(({ argv }) => /^\S+\/bin\/postgres -D /.test(argv));
  assert(postmaster, 'the postmaster runs');

  process.kill(postmaster.pid, 'SIGKILL');
  await instance.untilLog(/PostgreSQL runs again/);

  await until(
    'it is ready again',
    () => fetch(`${instance.url}/readyz`),
    ({ status }) => status === 200,
  );
  await untilJob(instance, id, ['review']);
  await expectOneResult(instance, machine, id);
});

test('a second start on the same data directory says where the first one runs', async ({
  machine,
  start,
}) => {
  await using first = await start();

  const second = await machine.autodev('up', '--data', first.data, '--port', '0');

  expect(second.code).toBe(1);
  expect(second.stderr).toContain(`Auto-Dev runs on ${first.data} already: ${first.url}`);
  expect(await first.api('/stats')).toBeTypeOf('object');

  const port = new URL(first.url).port;
  const taken = await machine.autodev('up', '--data', `${machine.folder}/other`, '--port', port);

  expect(taken.code).toBe(1);
  expect(taken.stderr).toContain(`port ${port} of 127.0.0.1 is in use`);
  expect(taken.stderr).toContain('--port');
  expect(await processesWith(`${machine.folder}/other`)).toEqual([]);
});

test('a data directory that cannot be made is refused by name', async ({ machine }) => {
  const file = path.join(machine.folder, 'a-file');
  await writeFile(file, '');

  const refused = await machine.autodev('up', '--data', path.join(file, 'data'), '--port', '0');

  expect(refused.code).toBe(1);
  expect(refused.stderr).toContain(path.join(file, 'data'));
  expect(refused.stderr).toContain('--data DIR');
});

/** Waits until the worker of a job has printed a word. */
async function untilSaid(instance: Instance, id: string, word: string): Promise<void> {
  await until(
    `${id} says ${word}`,
    () => instance.cli('logs', id),
    ({ stdout }) => stdout.includes(word),
  );
}

/** One merge request, one branch, one gate came of the job, and no lane counts what is over. */
async function expectOneResult(instance: Instance, machine: Machine, id: string): Promise<void> {
  const job = await instance.api<JobDetail>(`/jobs/${id}`);
  const repo = path.join(machine.folder, 'app');
  const branches = await machine.git(repo, 'for-each-ref', '--format=%(refname:short)');
  const number = id.slice('j_'.length);
  const { agents } = await instance.api<{ agents: AgentLane[] }>('/agents?repo=app');

  expect(job.effects.map(({ type, state }) => [type, state])).toEqual([['merge_request', 'done']]);
  expect(job.gates.map(({ kind, state }) => [kind, state])).toEqual([['merge', 'open']]);
  expect(job.tries.filter(({ reason }) => reason === 'succeeded')).toHaveLength(1);
  expect(branches.split('\n').filter((name) => name.includes(`/${number}-`))).toEqual([job.branch]);
  expect(agents.find(({ agent }) => agent === 'builder')).toMatchObject({ ready: 0 });
}
