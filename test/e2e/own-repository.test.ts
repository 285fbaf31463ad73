import { createHash } from 'node:crypto';
import { chmod, mkdir, readFile, readdir, writeFile } from 'node:fs/promises';
import path from 'node:path';

import { expect } from 'vitest';

import type { Job } from '../../src/db/views/job-list.ts';
import type { Repo } from '../../src/db/views/repo-list.ts';
import { runJob, untilInForce, untilJob } from './follow-jobs.ts';
import type { Instance } from './instance.ts';
import { sandboxArgs } from './instance.ts';
import { test as base } from './machine-test.ts';
import type { Machine } from './machine.ts';
import { writeFiles } from './machine.ts';
import { CHANGE, NOOP, obedientConfig, obedientFiles } from './obedient-repository.ts';
import { until } from './until.ts';

const test = base.extend<{ $file: { app: string; instance: Instance } }>({
  app: [
    async ({ machine }, use) => use(await machine.repository('app', obedientFiles())),
    { scope: 'file' },
  ],
  instance: [
    async ({ instances, app }, use) => {
      const instance = await instances({ args: ['--repo', app, ...sandboxArgs()] });
      await untilInForce(instance, 'app');
      await use(instance);
    },
    { scope: 'file' },
  ],
});

/** Far above what is measured (and above the 2 s of the design), as machines differ. */
const PICKED_UP_MS = 5_000;
const WITH_A_SCHEDULE = `${obedientConfig()}schedules:\n  nightly: { agent: builder, cron: "0 2 * * *" }\n`;

test('a commit that changes the file is in force in a moment', async ({
  instance,
  machine,
  app,
}) => {
  const commit = await machine.commit(app, { 'autodev.yaml': WITH_A_SCHEDULE });
  const at = performance.now();

  await untilInForce(instance, 'app', commit);
  const pickedUpMs = performance.now() - at;

  console.log(`a commit was in force after ${Math.round(pickedUpMs)} ms`);
  expect(pickedUpMs).toBeLessThan(PICKED_UP_MS);
  expect((await instance.cli('status', 'app')).stdout).toContain('nightly');
});

test('a broken file leaves the last good one in force, and `status` shows the place', async ({
  instance,
  machine,
  app,
}) => {
  const good = await machine.git(app, 'rev-parse', 'main');
  const broken = WITH_A_SCHEDULE.replace('cron: "0 2 * * *"', 'cron: "0 99 * * *"');
  const line = broken.split('\n').findIndex((text) => text.includes('99')) + 1;
  await machine.commit(app, { 'autodev.yaml': broken });

  const repo = await untilRefused(instance, 'app');
  const status = await instance.cli('status', 'app');
  const { id } = await runJob(instance, 'app', NOOP);

  expect(repo.revision?.commit).toBe(good);
  expect(status.stdout).toMatch(new RegExp(`autodev\\.yaml:${line}:\\d+ .*error`));
  expect(await untilJob(instance, id, ['succeeded'])).toMatchObject({ reason: 'noop' });
});

test('a dirty tree stays as it is; approving into it is refused with the command that helps', async ({
  instance,
  machine,
}) => {
  const repo = await addRepository(instance, machine, 'dirty');
  await writeFiles(repo, { 'src/one.txt': 'not committed\n', 'new.txt': 'untracked\n' });
  await machine.git(repo, 'add', 'new.txt');
  await installFailingHooks(repo);
  const before = await everyByte(repo);

  const job = await reviewedJob(instance, 'dirty');
  const after = await everyByte(repo);
  const refused = await instance.cli('approve', job.id);
  const still = await everyByte(repo);

  expect(after).toEqual(before);
  expect(refused.code).toBe(1);
  expect(refused.stderr).toContain(`git -C ${repo} stash`);
  expect(refused.stderr).toContain(`git -C ${repo} merge --no-ff ${job.branch}`);
  expect(still.get('src/one.txt')).toBe(before.get('src/one.txt'));

  await machine.git(repo, ...NO_HOOKS, 'stash', '--quiet');
  const approved = await instance.cli('approve', job.id);

  expect(approved).toMatchObject({ code: 0 });
  await untilJob(instance, job.id, ['succeeded']);
  expect(await readFile(path.join(repo, 'src/one.txt'), 'utf8')).toBe('one\ntwo\n');
  expect(await hooksRan(repo)).toEqual([]);
});

test('a detached HEAD stays where it is, also when a fix is merged', async ({
  instance,
  machine,
}) => {
  const repo = await addRepository(instance, machine, 'detached');
  await machine.git(repo, 'checkout', '--quiet', '--detach');
  await installFailingHooks(repo);
  const before = await everyByte(repo);

  const job = await reviewedJob(instance, 'detached');
  const approved = await instance.cli('approve', job.id);
  await untilJob(instance, job.id, ['succeeded']);

  expect(approved).toMatchObject({ code: 0 });
  expect(await everyByte(repo)).toEqual(before);
  expect(await machine.git(repo, 'show', 'main:src/one.txt')).toBe('one\ntwo');
  expect(await hooksRan(repo)).toEqual([]);
});

test('where our branch is checked out, a second round goes to another one', async ({
  instance,
  machine,
}) => {
  const repo = await addRepository(instance, machine, 'looked-at');
  const first = await reviewedJob(instance, 'looked-at');
  await machine.git(repo, 'switch', '--quiet', first.branch ?? '');
  await installFailingHooks(repo);
  const before = await everyByte(repo);

  const changes = await instance.cli('changes', first.id, 'Once more, please.');
  const second = await until(
    'the second round',
    () => instance.api<{ jobs: Job[] }>('/jobs?repo=looked-at&state=review'),
    ({ jobs }) => jobs.length > 0 && jobs.every(({ id }) => id !== first.id),
  );

  expect(changes).toMatchObject({ code: 0 });
  expect(second.jobs[0]?.branch).toBe(`${first.branch}-2`);
  expect(await everyByte(repo)).toEqual(before);
  expect(await hooksRan(repo)).toEqual([]);
});

test('a folder that is no repository, or has no commit, is refused with what to do', async ({
  instance,
  machine,
}) => {
  const plain = path.join(machine.folder, 'plain');
  const empty = path.join(machine.folder, 'empty');
  await mkdir(plain);
  await mkdir(empty);
  await machine.git(empty, 'init', '--quiet', '--initial-branch=main');

  const added = [plain, empty, `${plain}/missing`].map((folder) =>
    instance.cli('repos', 'add', folder),
  );
  const started = machine.autodev('up', '--data', `${machine.folder}/other`, '--repo', plain);
  const [noRepository, noCommit, noFolder] = await Promise.all(added);
  const refused = await started;

  expect(noRepository).toMatchObject({ code: 1, stderr: expect.stringContaining(`git init`) });
  expect(noCommit?.stderr).toMatch(/has no commits yet[^]*git -C \S+ commit/);
  expect(noFolder?.stderr).toContain(`There is no folder ${plain}/missing`);
  expect(refused.code).toBe(1);
  expect(refused.stderr).toContain(`${plain} is not a git repository`);
});

/** What autodev.yaml is, and what `autodev status` says of it. */
const FILES: readonly [name: string, content: string | undefined, says: RegExp][] = [
  ['missing', undefined, /no autodev\.yaml on main/],
  ['huge', `${obedientConfig()}#${'x'.repeat(300 * 1024)}\n`, /at most 262144 are read/],
  ['crlf', obedientConfig().replaceAll('\n', '\r\n'), /✔ in force/],
  ['bom', `\u{feff}${obedientConfig()}`, /✔ in force/],
  ['empty-file', '', /autodev\.yaml:1:1 .*error/],
];

test.for(FILES)(
  'an autodev.yaml that is %s is told as what it is',
  async ([name, content, says], { instance, machine }) => {
    const config: Record<string, string> = content === undefined ? {} : { 'autodev.yaml': content };
    const repo = await machine.repository(name, { 'README.md': 'read me\n', ...config });

    const added = await instance.cli('repos', 'add', repo);
    const status = await until(
      `status says ${says}`,
      () => instance.cli('status', name),
      ({ stdout }) => says.test(stdout),
      { withinMs: 15_000 },
    );

    expect(added).toMatchObject({ code: 0 });
    expect(status.code).toBe(0);
  },
);

const NO_HOOKS = ['-c', 'core.hooksPath=/dev/null'];
const HOOKS = [
  'applypatch-msg pre-applypatch post-applypatch pre-commit pre-merge-commit prepare-commit-msg commit-msg',
  'post-commit pre-rebase post-checkout post-merge pre-push pre-receive update proc-receive post-receive',
  'post-update reference-transaction push-to-checkout pre-auto-gc post-rewrite post-index-change fsmonitor-watchman',
].flatMap((line) => line.split(' '));

/** Hooks that leave a trace of their name and fail. */
async function installFailingHooks(repo: string): Promise<void> {
  for (const hook of HOOKS) {
    const file = path.join(repo, '.git/hooks', hook);
    await mkdir(path.dirname(file), { recursive: true });
    await writeFile(file, `#!/bin/sh\ntouch "${repo}.hook-${hook}"\nexit 1\n`);
    await chmod(file, 0o755);
  }
}

async function hooksRan(repo: string): Promise<string[]> {
  const beside = await readdir(path.dirname(repo));
  return beside.filter((name) => name.startsWith(`${path.basename(repo)}.hook-`));
}

/** What belongs to a person: the working tree, the index, HEAD, the configuration and the hooks, by path. */
async function everyByte(repo: string): Promise<ReadonlyMap<string, string>> {
  const entries = await readdir(repo, { recursive: true, withFileTypes: true });
  const files = entries
    .filter((entry) => entry.isFile())
    .map((entry) => path.relative(repo, path.join(entry.parentPath, entry.name)))
    .filter(
      (file) => !file.startsWith('.git/') || /^\.git\/(index|HEAD|config|hooks\/.*)$/.test(file),
    );
  const hashes = new Map<string, string>();
  for (const file of files.sort()) {
    const content = await readFile(path.join(repo, file));
    hashes.set(file, createHash('sha256').update(content).digest('hex'));
  }
  return hashes;
}

async function addRepository(instance: Instance, machine: Machine, name: string): Promise<string> {
  const repo = await machine.repository(name, obedientFiles());
  await instance.cli('repos', 'add', repo);
  await untilInForce(instance, name);
  return repo;
}

async function reviewedJob(instance: Instance, repo: string): Promise<Job> {
  const { id } = await runJob(instance, repo, CHANGE);
  return untilJob(instance, id, ['review']);
}

function untilRefused(instance: Instance, repo: string): Promise<Repo> {
  return until(
    `the file of ${repo} is refused`,
    () => instance.api<Repo>(`/repos/${repo}`),
    ({ diagnostics }) => diagnostics.length > 0,
  );
}
