import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';

import { expect } from 'vitest';

import type { JobDetail } from '../../src/db/views/job-detail.ts';
import type { Job } from '../../src/db/views/job-list.ts';
import { listJobs, runJob, untilJob, untilSomeJob } from './follow-jobs.ts';
import type { Instance } from './instance.ts';
import { test as base } from './machine-test.ts';
import type { Machine } from './machine.ts';
import { until } from './until.ts';

/**
 * The story of a first evening with Auto-Dev, on its demo and without any key. The tests are its chapters: each
 * begins where the one before ended.
 */
const test = base.extend<{ $file: { instance: Instance; demo: string } }>({
  instance: [async ({ instances }, use) => use(await instances()), { scope: 'file' }],
  demo: [async ({ instance }, use) => use(path.join(instance.data, 'demo')), { scope: 'file' }],
});

test('a first start makes the demo, finds its bug and has a fix waiting for people', async ({
  instance,
  machine,
  demo,
}) => {
  const finder = await untilSomeJob(instance, { agent: 'bug-finder' });
  const found = await untilJob(instance, finder.id, ['succeeded']);
  const builder = await untilSomeJob(instance, { agent: 'builder' });
  const built = await untilJob(instance, builder.id, ['review']);

  expect(found.trigger).toMatchObject({ kind: 'trigger', name: 'first', line: 21 });
  expect(built).toMatchObject({ parent: found.id, root: found.id, attempts: 1 });
  expect(built.merge_request).toMatchObject({
    state: 'open',
    title: expect.stringMatching(/^Fix /),
  });
  expect(built.branch).toMatch(/^autodev\//);
  expect(await machine.git(demo, 'diff', '--name-only', `main...${built.branch}`)).toBe(
    'src/discount.js',
  );
  expect(await machine.git(demo, 'status', '--porcelain')).toBe('');
});

test('every page of the command line tells the same story', async ({ instance }) => {
  const [finder, builder] = await bothJobs(instance);

  const approvals = await instance.cli('approvals');
  const job = await instance.cli('job', builder.id);
  const patch = await instance.cli('job', builder.id, '--diff');
  const logs = await instance.cli('logs', builder.id);
  const trace = await instance.cli('trace', builder.id);
  const why = await instance.cli('why', 'demo');
  const whyNot = await instance.cli('why', builder.id);
  const status = await instance.cli('status');

  const pages = [approvals, job, patch, logs, trace, why, whyNot, status];
  expect(pages.map(({ code, stderr }) => [code, stderr])).toEqual(pages.map(() => [0, '']));
  expect(approvals.stdout).toContain(builder.id);
  expect(approvals.stdout).toContain(builder.title);
  expect(job.stdout).toMatch(/state +\S+ review/);
  expect(job.stdout).toContain(`autodev approve`);
  expect(patch.stdout).toMatch(/^\+.*quantity >= tier\.from/m);
  expect(logs.stdout).toContain('80 of 81 tests pass');
  expect(trace.stdout).toContain(finder.id);
  expect(trace.stdout).toMatch(/autodev\.yaml:\d+ Start the invoice kit/);
  expect(why.stdout).toContain('The schedule nightly-bugs is next due in');
  expect(whyNot.stdout).toMatch(/Its merge request waits for people[^]*autodev approve/);
  expect(status.stdout).toContain('in force');
});

test('`autodev approve` merges the fix and the tests of the demo pass', async ({
  instance,
  machine,
  demo,
}) => {
  const [, builder] = await bothJobs(instance);

  const approved = await instance.cli('approve', builder.id);
  const job = await untilJob(instance, builder.id, ['succeeded']);

  expect(approved).toMatchObject({ code: 0 });
  expect(job.merge_request).toMatchObject({ state: 'merged' });
  await expectMended(machine, demo, builder);
  expect(await machine.git(demo, 'log', '-1', '--format=%s', 'main')).toMatch(/^Merge autodev\//);
});

test('with nothing left to find, the bug-finder says so', async ({ instance }) => {
  const run = await instance.cli(
    'run',
    'demo',
    'bug-finder',
    'Run the tests.',
    '--wait',
    '-o',
    'json',
  );

  expect(run).toMatchObject({ code: 0 });
  expect(JSON.parse(run.stdout)).toMatchObject({ state: 'succeeded', reason: 'noop' });
});

test('a bug that nobody planned for is found and mended as well; `git merge` is an approval', async ({
  instance,
  machine,
  demo,
}) => {
  await plant(machine, demo, 'src/terms.js', ['> discount.days', '>= discount.days']);

  const builder = await findAndBuild(instance);
  await machine.git(demo, 'merge', '--quiet', '--no-edit', builder.branch ?? '');
  const job = await untilJob(instance, builder.id, ['succeeded']);

  expect(job.merge_request).toMatchObject({ state: 'merged' });
  await expectMended(machine, demo, builder);
  const { gates } = await instance.api<JobDetail>(`/jobs/${builder.id}`);
  expect(gates).toMatchObject([{ state: 'approved', votes: [{ via: 'merge', self: true }] }]);
});

test('so is `git merge --squash` with a commit', async ({ instance, machine, demo }) => {
  await plant(machine, demo, 'src/invoice.js', ['sum(payments) >= total', 'sum(payments) > total']);

  const builder = await findAndBuild(instance);
  await machine.git(demo, 'merge', '--quiet', '--squash', builder.branch ?? '');
  await machine.git(demo, 'commit', '--quiet', '--message', 'Overpaid is paid');
  const job = await untilJob(instance, builder.id, ['succeeded']);

  expect(job.merge_request).toMatchObject({ state: 'merged' });
  await expectMended(machine, demo, builder);
});

test('a rejected fix ends with its reason, and its branch stays', async ({
  instance,
  machine,
  demo,
}) => {
  await plant(machine, demo, 'src/numbering.js', ['Math.max(0', 'Math.min(0']);
  const before = await machine.git(demo, 'rev-parse', 'main');

  const builder = await findAndBuild(instance);
  const rejected = await instance.cli('reject', builder.id, '--reason', 'I want it another way');
  const job = await untilJob(instance, builder.id, ['rejected']);

  expect(rejected.code).toBe(0);
  expect(job).toMatchObject({ reason: 'rejected', detail: 'I want it another way' });
  expect(job.merge_request).toMatchObject({ state: 'closed' });
  expect(await machine.git(demo, 'rev-parse', 'main')).toBe(before);
  expect(await branches(machine, demo)).toContain(builder.branch);
});

/** The two jobs of the first chapter. */
async function bothJobs(instance: Instance): Promise<[Job, Job]> {
  const [finder, builder] = await listJobs(instance);
  if (finder?.agent !== 'bug-finder' || builder?.agent !== 'builder') {
    throw new Error('the first chapter did not end well');
  }
  return [finder, builder];
}

/** Commits a bug to the demo as a person would. `from` occurs once in the file. */
async function plant(
  machine: Machine,
  demo: string,
  file: string,
  [from, to]: readonly [string, string],
): Promise<void> {
  const source = await readFile(path.join(demo, file), 'utf8');
  expect(source.split(from)).toHaveLength(2);
  await writeFile(path.join(demo, file), source.replace(from, to));
  await machine.git(demo, 'commit', '--quiet', '--all', '--message', `Change ${file}`);
}

/** Starts the bug-finder by hand and waits until the builder's fix is in review. */
async function findAndBuild(instance: Instance): Promise<Job> {
  const finder = await runJob(instance, 'demo', 'Run the tests.', 'bug-finder');
  await untilJob(instance, finder.id, ['succeeded']);
  const jobs = await listJobs(instance, { root: finder.id });
  const builder = jobs.find(({ agent }) => agent === 'builder');
  return untilJob(instance, builder?.id ?? 'no builder', ['review']);
}

/** The tests pass at main, nothing else changed in the working copy, and our branch is gone. */
async function expectMended(machine: Machine, demo: string, { branch }: Job): Promise<void> {
  const tests = await machine.run(process.execPath, ['--test'], demo);
  expect(tests.stdout).toMatch(/fail 0$/m);
  expect(await machine.git(demo, 'status', '--porcelain')).toBe('');
  await until(
    `${branch} is deleted`,
    () => branches(machine, demo),
    (names) => !names.includes(branch ?? ''),
  );
}

async function branches(machine: Machine, repo: string): Promise<string[]> {
  const names = await machine.git(repo, 'for-each-ref', '--format=%(refname:short)', 'refs/heads');
  return names.split('\n');
}
