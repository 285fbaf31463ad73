import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { expect, onTestFinished } from 'vitest';

import { test } from '../../test/database.ts';
import type { Acts } from '../dashboard/api/acts.ts';
import { TOKEN, setupApi } from '../dashboard/api/api-fixture.ts';
import type { Db } from '../db/db.ts';
import { markDirty, recordOutcome, takeDueRepos, takeLease } from '../db/repo-sync.ts';
import { sql } from '../db/sql.ts';
import { insertJob, insertRepo } from '../db/views/rows-fixture.ts';
import { run, runOn } from './cli-fixture.ts';

async function setup(db: Db, acts: Partial<Acts> = {}) {
  const { listen } = setupApi(db, acts);
  const url = await listen();
  return { url, autodev: runOn(url, TOKEN) };
}

async function folder(): Promise<string> {
  const dir = await mkdtemp(path.join(tmpdir(), 'autodev-cli-'));
  onTestFinished(() => rm(dir, { recursive: true }));
  return dir;
}

test('the server is found by the data directory in a folder above', async ({ db }) => {
  const { url } = await setup(db);
  const dir = await folder();
  await mkdir(path.join(dir, '.autodev-data'));
  await mkdir(path.join(dir, 'deep/er'), { recursive: true });
  await writeFile(path.join(dir, '.autodev-data/server.json'), JSON.stringify({ url, pid: 1 }));
  await writeFile(path.join(dir, '.autodev-data/token'), `${TOKEN}\n`);

  const above = await run(['repos'], { cwd: path.join(dir, 'deep/er') });
  const named = await run(['repos', '--data', '.autodev-data'], { cwd: dir });

  expect([above.code, named.code]).toEqual([0, 0]);
});

test('run starts a job; --wait ends with 0 when people are next, 1 when it failed', async ({
  db,
}) => {
  const repoId = await insertRepo(db, 'run-repo');
  const { autodev } = await setup(db, {
    runJob: async ({ task }) => ({
      jobId: await insertJob(db, repoId, { state: task.includes('fail') ? 'failed' : 'review' }),
    }),
  });

  const started = await autodev('run', 'run-repo', 'builder', 'Make', 'it', 'exact');
  const waited = await autodev('run', 'run-repo', 'builder', 'Make it exact', '--wait');
  const failed = await autodev('run', 'run-repo', 'builder', 'fail', '--wait', '-o', 'json');

  expect(started).toMatchObject({ code: 0, stdout: expect.stringMatching(/^j_\d+ ▲ review\n$/) });
  expect(waited.code).toBe(0);
  expect(failed.code).toBe(1);
  expect(JSON.parse(failed.stdout)).toMatchObject({ state: 'failed' });
  expect(failed.stderr).toMatch(/^j_\d+ ✖ failed\n$/);
});

test('a --wait that runs out ends with 5', async ({ db }) => {
  const repoId = await insertRepo(db, 'slow-repo');
  const { autodev } = await setup(db, {
    runJob: async () => ({ jobId: await insertJob(db, repoId) }),
  });

  const { code, stderr } = await autodev(
    'run',
    'slow-repo',
    'builder',
    'x',
    '--wait',
    '--timeout',
    '0s',
  );

  expect(code).toBe(5);
  expect(stderr).toContain('[TIMEOUT]');
});

test('retry, replay, release, cancel and grant act on one job', async ({ db }) => {
  const acts: string[] = [];
  const id = await insertJob(db, await insertRepo(db));
  const { autodev } = await setup(db, {
    retryJob: async (jobId, { note }) => {
      acts.push(`retry ${note}`);
      return { jobId };
    },
    replayJob: async (jobId, { provider }) => {
      acts.push(`replay ${provider}`);
      return { jobId };
    },
    releaseJob: async () => ({ message: '2 effects are carried out' }),
    cancelJob: async (_, { reason }) => void acts.push(`cancel ${reason}`),
    grantBudget: async (_, { microUsd }) => {
      acts.push(`grant ${microUsd}`);
      return { message: 'granted' };
    },
  });
  const job = `j_${id}`;

  const retried = await autodev('retry', job, '--note', 'hint');
  const replayed = await autodev('replay', job, '--provider', 'claude');
  const released = await autodev('release', job);
  const cancelled = await autodev('cancel', job, '--reason', 'stop');
  const granted = await autodev('grant', job, '--usd', '$2.50');

  expect(acts).toEqual(['retry hint', 'replay claude', 'cancel stop', 'grant 2500000']);
  expect(retried.stdout).toContain(`a retry of ${job}`);
  expect(replayed.stdout).toContain(`a staged replay of ${job}`);
  expect(released.stdout).toBe('2 effects are carried out\n');
  expect(cancelled.stdout).toContain('told to stop');
  expect(granted.stdout).toBe('granted\n');
});

test('what was set aside is tried again: a row by its name, or all of it', async ({ db }) => {
  const acts: unknown[] = [];
  const { autodev } = await setup(db, {
    retrySetAside: async (...act) => {
      acts.push(act);
      return { retried: act[0] === undefined ? 0 : 1 };
    },
  });

  const one = await autodev('retry', 'event:17');
  const all = await autodev('retry', '--set-aside');
  const refused = [
    await autodev('retry'),
    await autodev('retry', 'nothing:1'),
    await autodev('retry', 'j_1', '--set-aside'),
    await autodev('retry', 'event:17', '--note', 'x'),
  ];

  expect([one.stdout, all.stdout]).toEqual([
    'One row is tried again now\n',
    'Nothing is set aside.\n',
  ]);
  expect(acts).toEqual([
    [{ sweep: 'event', rowId: 17 }, { actor: 'ada' }],
    [undefined, { actor: 'ada' }],
  ]);
  expect(refused.map(({ code }) => code)).toEqual([64, 64, 64, 64]);
});

test('a grant is for one job, a repository, one agent of it, or the fleet', async ({ db }) => {
  const grants: unknown[] = [];
  const repoId = await insertRepo(db, 'grant-repo');
  const { autodev } = await setup(db, {
    grantWindows: async (...act) => {
      grants.push(act);
      return { message: 'raised' };
    },
  });
  const why = ['--usd', '2', '--reason', 'release'];

  const ofRepo = await autodev('grant', '--repo', 'grant-repo', ...why);
  await autodev('grant', '--repo', 'grant-repo', '--agent', 'builder', ...why);
  await autodev('grant', '--fleet', ...why);

  expect(ofRepo).toMatchObject({ code: 0, stdout: 'raised\n' });
  const grant = { actor: 'ada', microUsd: 2_000_000, reason: 'release' };
  expect(grants).toEqual([
    [{ repoId }, grant],
    [{ repoId, agent: 'builder' }, grant],
    [{}, grant],
  ]);
});

test.for([
  { given: [], says: 'what is the grant for?' },
  { given: ['j_1', '--fleet'], says: 'what is the grant for?' },
  { given: ['--fleet', '--agent', 'pm'], says: '--agent goes with --repo' },
  { given: ['--fleet'], says: 'needs its reason' },
])('grant $given is refused before anything is asked', async ({ given, says }) => {
  const { code, stderr } = await run(['grant', ...given, '--usd', '2']);

  expect(code).toBe(64);
  expect(stderr).toContain(says);
});

test('pause and resume name what they are about', async ({ db }) => {
  const acts: unknown[] = [];
  const repoId = await insertRepo(db, 'pause-repo');
  const { autodev } = await setup(db, {
    pause: async (scope, { reason, until }) => {
      acts.push([scope, reason, until === undefined]);
      return { controlId: await insertControl(db) };
    },
    resume: async (scope) => ({ lifted: acts.push(scope) > 2 ? 1 : 0 }),
  });

  const fleet = await autodev('pause');
  const agent = await autodev('pause', 'pause-repo', 'builder', '--reason', 'r', '--until', '2h');
  const resumed = await autodev('resume', 'pause-repo', 'builder');

  expect(acts).toEqual([
    [{}, 'paused by hand', true],
    [{ repoId, agent: 'builder' }, 'r', false],
    { repoId, agent: 'builder' },
  ]);
  expect(fleet.stdout).toBe('the whole fleet takes no new work; what runs goes on\n');
  expect(agent.stdout).toMatch(/^builder on pause-repo takes no new work until 20\d\d-/);
  expect(resumed.stdout).toBe('builder on pause-repo takes work again\n');
});

test('drain and reset answer with what happens now', async ({ db }) => {
  await insertRepo(db, 'reset-repo');
  const { autodev } = await setup(db, {
    drain: async () => ({ controlId: await insertControl(db) }),
    resetBreaker: async () => {},
  });

  const drained = await autodev('drain', '3');
  const reset = await autodev('reset', 'reset-repo', 'builder');

  expect(drained.stdout).toContain('runner 3 takes no new work');
  expect(reset.stdout).toBe('builder on reset-repo takes work again\n');
});

test('repos are listed, added by a path from here, and removed', async ({ db }) => {
  const acts: unknown[] = [];
  const { url, autodev } = await setup(db, {
    addRepo: async ({ location, path: name, branch }) => {
      acts.push([location, name, branch]);
      return { repoId: await insertRepo(db, 'added') };
    },
    removeRepo: async (id) => void acts.push(id),
  });

  const added = await run(['repos', 'add', 'app', '--branch', 'main', '--name', 'added'], {
    cwd: '/srv',
    env: { AUTODEV_URL: url, AUTODEV_TOKEN: TOKEN },
  });
  const listed = await autodev('repos');
  const removed = await autodev('repos', 'remove', 'added');
  const unnamed = await autodev('repos', 'add');

  expect(added).toMatchObject({ code: 0, stdout: expect.stringContaining('added is registered') });
  expect(listed.stdout).toContain('added');
  expect(removed.stdout).toContain('added is forgotten');
  expect(acts).toEqual([['/srv/app', 'added', 'main'], expect.any(Number)]);
  expect(unnamed.code).toBe(64);
});

test('sync --wait comes back when the file was read', async ({ db }) => {
  const repoId = await insertRepo(db, 'sync-repo');
  const { autodev } = await setup(db, {
    syncRepo: async (id) => {
      await db.query(sql`update repo_sync set answered_at = now() where repo_id = ${id}`);
    },
  });

  const asked = await autodev('sync', 'sync-repo');
  const waited = await autodev('sync', 'sync-repo', '--wait');
  await db.query(sql`update repo_sync set diagnostics = '[{"severity": "error", "message": "no"}]'
    where repo_id = ${repoId}`);
  const invalid = await autodev('sync', 'sync-repo', '--wait');

  expect(asked.stdout).toBe('sync-repo will be read now\n');
  expect(waited).toMatchObject({ code: 0, stdout: 'sync-repo ○ not read yet\n' });
  expect(invalid).toMatchObject({ code: 3, stdout: expect.stringContaining('✖ error no') });
});

test('sync --wait waits for the look that answers it, whoever else asks and looks', async ({
  db,
}) => {
  const repoId = await insertRepo(db, 'sync-answered');
  const { url } = await setup(db, { syncRepo: (id) => markDirty(db, [id], { priority: 2 }) });
  const look = async () => {
    const [due] = await takeDueRepos(db, { pollMs: 60_000, limit: 1 });
    const lease = await takeLease(db, { repoId, owner: 'test', leaseMs: 60_000, head: null });
    return { answeredDirtyAt: due?.dirtyAt ?? null, epoch: lease?.epoch ?? 0 };
  };
  const end = (one: Awaited<ReturnType<typeof look>>) =>
    recordOutcome(db, { repoId, failures: 0, missingReads: 0, conditions: [], ...one });
  let isOver = false;
  await markDirty(db, [repoId], { priority: 2 });
  const earlier = await look();

  const waiting = run(['sync', 'sync-answered', '--wait'], {
    env: { AUTODEV_URL: url, AUTODEV_TOKEN: TOKEN },
  }).finally(() => {
    isOver = true;
  });
  await expect
    .poll(() =>
      db.query(sql`select 1 as yes from repo_sync where repo_id = ${repoId}
        and dirty_at > ${earlier.answeredDirtyAt}::timestamptz`),
    )
    .toHaveLength(1);
  await end(earlier);
  const isOverEarly = isOver;
  const ours = await look();
  await markDirty(db, [repoId], { priority: 2 });
  await end(ours);
  const { code } = await waiting;

  expect({ isOverEarly, code }).toEqual({ isOverEarly: false, code: 0 });
});

test('why, trace, budget, runners and audit answer in words and as JSON', async ({ db }) => {
  const { autodev } = await setup(db);
  const repoId = await insertRepo(db, 'look-repo');
  const id = await insertJob(db, repoId, { state: 'failed' });
  await db.query(sql`insert into audit (actor, action, target, repo_id)
    values ('ada', 'job.cancel', ${`j_${id}`}, ${repoId})`);

  const why = await autodev('why', `j_${id}`);
  const whyRepo = await autodev('why', 'look-repo');
  const trace = await autodev('trace', `j_${id}`);
  const budget = await autodev('budget', 'look-repo');
  const runners = await autodev('runners');
  const audit = await autodev('audit', 'look-repo');
  const json = await autodev('audit', 'look-repo', '-o', 'json');

  expect(why.stdout).toContain('It ended as failed.');
  expect(whyRepo.stdout).toContain('has no agents');
  expect(trace.stdout).toMatch(new RegExp(`began with +j_${id}: ada by hand`));
  expect(budget.stdout).toBe('No budgets.\n');
  expect(runners.stdout).toBe('No runner is registered.\n');
  expect(audit.stdout).toMatch(/ada +job\.cancel/);
  expect(JSON.parse(json.stdout)).toMatchObject({ audit: [{ action: 'job.cancel' }] });
});

test('login answers with a link that signs in', async ({ db }) => {
  const { url, autodev } = await setup(db);

  const { stdout } = await autodev('login');
  const answer = await fetch(stdout.trim(), { redirect: 'manual' });

  expect(stdout).toContain(`${url}/login/`);
  expect(answer.status).toBe(303);
});

async function insertControl(db: Db): Promise<number> {
  const [row] = await db.query<{ id: number }>(sql`
    insert into control (verb, scope, actor, reason) values ('pause', 'fleet', 'ada', 'r') returning id`);
  return row?.id ?? 0;
}
