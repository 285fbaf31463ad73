import { expect } from 'vitest';

import { test } from '../../test/database.ts';
import type { Acts } from '../dashboard/api/acts.ts';
import { TOKEN, setupApi } from '../dashboard/api/api-fixture.ts';
import type { Db } from '../db/db.ts';
import { sql } from '../db/sql.ts';
import { insertGate, insertJob, insertRepo, insertRevision } from '../db/views/rows-fixture.ts';
import { AppError } from '../kernel/errors.ts';
import { run, runOn } from './cli-fixture.ts';

async function setup(db: Db, acts: Partial<Acts> = {}) {
  const { listen } = setupApi(db, acts);
  const url = await listen();
  return { url, autodev: runOn(url, TOKEN) };
}

test('jobs are listed for people and for scripts', async ({ db }) => {
  const { autodev } = await setup(db);
  const repoId = await insertRepo(db, 'jobs-repo');
  const queued = await insertJob(db, repoId, { title: 'evil \u001b[2J title', microUsd: 420_000 });
  const failed = await insertJob(db, repoId, { state: 'failed' });

  const text = await autodev('jobs', 'jobs-repo');
  const json = await autodev('jobs', 'jobs-repo', '--active', '-o', 'json');

  expect(text.stdout).toMatch(new RegExp(`j_${failed} +jobs-repo +builder +✖ failed`));
  expect(text.stdout).toMatch(new RegExp(`j_${queued} .*○ queued +0\\.42 USD`));
  expect(text.stdout).not.toContain('\u001b');
  expect(JSON.parse(json.stdout)).toMatchObject({ jobs: [{ id: `j_${queued}` }], next: null });
});

test('more jobs than a page holds are read page by page', async ({ db }) => {
  const { autodev } = await setup(db);
  const repoId = await insertRepo(db, 'many-jobs');
  await db.query(sql`insert into job (repo_id, agent, title, task, trigger, trust)
    select ${repoId}, 3, 'Job ' || n, 't', '{"kind": "manual", "actor": "ada"}', 'owner'
    from generate_series(1, 230) n`);

  const { stdout } = await autodev('jobs', 'many-jobs', '--limit', '220', '-o', 'json');

  const { jobs, next } = JSON.parse(stdout);
  expect(jobs).toHaveLength(220);
  expect(next).not.toBeNull();
});

test('job shows one, and its work as a patch', async ({ db }) => {
  const { autodev } = await setup(db);
  const repoId = await insertRepo(db);
  const id = await insertJob(db, repoId, { state: 'review', title: 'Round exactly' });
  const gate = await insertGate(db, repoId, { jobId: id });
  await db.query(sql`insert into artifact (job_id, attempt, repo_id, base, head, stat, diff, bundle)
    values (${id}, 1, ${repoId}, 'b', 'h', '{"files":1}', '+fixed', '\\x00')`);

  const page = await autodev('job', `j_${id}`);
  const diff = await autodev('job', `j_${id}`, '--diff');

  expect(page.stdout).toContain('Round exactly');
  expect(page.stdout).toContain(`autodev approve g_${gate}`);
  expect(diff.stdout).toBe('+fixed\n');
});

test('a job that does not exist ends with 1 and says what there is', async ({ db }) => {
  const { autodev } = await setup(db);

  const { code, stderr } = await autodev('job', 'j_999999');

  expect(code).toBe(1);
  expect(stderr).toBe(
    'error: there is no job j_999999 [NOT_FOUND]\n  `autodev jobs` lists the jobs\n',
  );
});

test('an id that nothing has says which command lists those that there are', async ({ db }) => {
  const { autodev } = await setup(db);

  const why = await autodev('why', 'j_999999');
  const logs = await autodev('logs', 'j_999999', '-f');
  const approve = await autodev('approve', 'g_999999');

  expect(why).toMatchObject({ code: 1, stderr: expect.stringContaining('`autodev jobs` lists') });
  expect(logs).toMatchObject({ code: 1, stderr: expect.stringContaining('`autodev jobs` lists') });
  expect(approve).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('`autodev approvals` lists what waits for you'),
  });
});

test('trace leads from a line and from a commit to person, change, jobs and cost', async ({
  db,
}) => {
  const { autodev } = await setup(db);
  const repoId = await insertRepo(db, 'traced');
  const commit = '7e57'.repeat(10);
  const revisionId = await insertRevision(db, repoId, { commit });
  await db.query(sql`insert into config_object (repo_id, kind, name, spec, hash, line, revision_id)
    values (${repoId}, 'schedule', 'nightly', '{}', 'h', 6, ${revisionId})`);
  const jobId = await insertJob(db, repoId, {
    trigger: { kind: 'schedule', name: 'nightly', actor: 'autodev', commit },
    microUsd: 420_000,
  });

  const line = await autodev('trace', 'autodev.yaml:8', '--repo', 'traced');
  const sha = await autodev('trace', commit.slice(0, 7));
  const nothing = await autodev('trace', 'nonsense');

  expect(line.stdout).toContain('schedule nightly (autodev.yaml:6)');
  for (const { stdout } of [line, sha]) {
    expect(stdout).toContain('7e577e577e57 Run nightly (in force)');
    expect(stdout).toContain('Ada <ada@example.org>');
    expect(stdout).toContain('update schedule nightly (cron)');
    expect(stdout).toMatch(new RegExp(`j_${jobId} +builder .*schedule nightly +0\\.42 USD`));
  }
  expect(nothing).toMatchObject({
    code: 64,
    stderr: expect.stringContaining('a line (autodev.yaml:12)'),
  });
});

test('explain policy says what holds for a repository, and which rule says so', async ({ db }) => {
  const asked: unknown[] = [];
  const { autodev } = await setup(db, {
    explainPolicy: (...args) => {
      asked.push(args);
      return args[1] === 'nonsense'
        ? []
        : [
            { key: 'allow', value: true, origin: { file: 'policy.yaml', rule: 2, line: 7 } },
            { key: 'network', value: [], origin: null },
          ];
    },
  });
  await insertRepo(db, 'policy-repo');

  const all = await autodev('explain', 'policy', 'policy-repo');
  const one = await autodev('explain', 'policy', 'policy-repo', 'allow', '-o', 'json');
  const none = await autodev('explain', 'policy', 'policy-repo', 'nonsense');
  const other = await autodev('explain', 'life');

  expect(all.stdout).toMatch(/allow +true +policy\.yaml:7 \(rule 2\)\nnetwork +\[\] +built in/);
  expect(JSON.parse(one.stdout)).toMatchObject({ repo: { path: 'policy-repo' } });
  expect(asked).toContainEqual(['policy-repo', 'allow']);
  expect([none.code, other.code]).toEqual([1, 64]);
});

test('approvals lists what waits, and shows one whole', async ({ db }) => {
  const { autodev } = await setup(db);
  const repoId = await insertRepo(db, 'gates-repo');
  const jobId = await insertJob(db, repoId, { state: 'review' });
  const id = await insertGate(db, repoId, { jobId });
  await db.query(sql`update gate set protected = false where id = ${id}`);

  const list = await autodev('approvals', 'gates-repo');
  const one = await autodev('approvals', `g_${id}`);
  const job = await autodev('job', `j_${jobId}`);

  expect(list.stdout).toMatch(new RegExp(`g_${id} +merge +j_${jobId} +gates-repo`));
  expect(list.stdout).toContain('Merge the fix? ▲ not protected from the worker');
  expect(job.stdout).toContain('Merge the fix? ▲ not protected from the worker');
  expect(one.stdout).toContain('It rounds half to even now.');
  expect(one.stdout).toContain('not protected from the worker');
});

test.for([
  [['approve', '--note', 'nice'], { verdict: 'approve', note: 'nice' }],
  [['reject', '--reason', 'no'], { verdict: 'reject', note: 'no' }],
  [['changes', 'add', 'tests'], { verdict: 'changes', note: 'add tests' }],
] as const)(
  '%j votes on the open gate of a job, bound to its head',
  async ([argv, vote], { db }) => {
    const votes: unknown[] = [];
    const { autodev } = await setup(db, {
      castVote: async (...cast) => {
        votes.push(cast);
        return { message: 'merged as abc' };
      },
    });
    const repoId = await insertRepo(db);
    const jobId = await insertJob(db, repoId, { state: 'review' });
    const gate = await insertGate(db, repoId, { jobId });
    const [verb, ...rest] = argv;

    const { code, stdout } = await autodev(verb, `j_${jobId}`, ...rest);

    expect({ code, stdout }).toEqual({ code: 0, stdout: '✔ merged as abc\n' });
    expect(votes).toEqual([[gate, { ...vote, head: 'a'.repeat(40), voter: 'ada', via: 'cli' }]]);
  },
);

test('answer answers the question of a job', async ({ db }) => {
  const votes: unknown[] = [];
  const { autodev } = await setup(db, {
    castVote: async (...cast) => {
      votes.push(cast);
      return { message: 'it goes on' };
    },
  });
  const repoId = await insertRepo(db);
  const jobId = await insertJob(db, repoId, { state: 'waiting', waitReason: 'question' });
  const gate = await insertGate(db, repoId, { jobId, kind: 'question' });

  const { code } = await autodev('answer', `g_${gate}`, 'half', 'to', 'even');

  expect(code).toBe(0);
  expect(votes).toEqual([
    [gate, { verdict: 'answer', note: 'half to even', voter: 'ada', via: 'cli' }],
  ]);
});

test('a question is shown whole with its job and among the approvals', async ({ db }) => {
  const { autodev } = await setup(db);
  const repoId = await insertRepo(db);
  const jobId = await insertJob(db, repoId, { state: 'waiting', waitReason: 'question' });
  const gate = await insertGate(db, repoId, { jobId, kind: 'question' });
  await db.query(sql`update gate set body = ${'Half up?\nOr half even?'} where id = ${gate}`);

  const job = await autodev('job', `j_${jobId}`);
  const approval = await autodev('approvals', `g_${gate}`);

  expect(job.stdout).toContain('\n  Half up?\n  Or half even?\n  autodev answer');
  expect(approval.stdout).toContain('\nHalf up?\nOr half even?\n');
});

test('voting on a job without an open gate, and on what is neither, says so', async ({ db }) => {
  const { autodev } = await setup(db);
  const jobId = await insertJob(db, await insertRepo(db));

  const closed = await autodev('approve', `j_${jobId}`);
  const neither = await autodev('approve', '12');

  expect(closed).toMatchObject({ code: 1, stderr: expect.stringContaining('has no open gate') });
  expect(neither).toMatchObject({ code: 64, stderr: expect.stringContaining('neither a gate') });
});

test('what an approval needs is printed as the command to type', async ({ db }) => {
  const { autodev } = await setup(db, {
    castVote: () =>
      Promise.reject(
        new AppError('WORKING_COPY_DIRTY', 'changes in the way', { remedy: 'git stash' }),
      ),
  });
  const id = await insertGate(db, await insertRepo(db));

  const { code, stderr } = await autodev('approve', `g_${id}`);

  expect(code).toBe(1);
  expect(stderr).toBe('error: changes in the way [WORKING_COPY_DIRTY]\n  git stash\n');
});

test('a wrong token is told apart from a missing one', async ({ db }) => {
  const { url } = await setup(db);

  const wrong = await run(['jobs', '--url', url, '--token', 'wrong']);
  const none = await run(['jobs', '--url', url]);

  expect(wrong.stderr).toContain('the token is not the one of this server');
  expect(none.stderr).toContain('this needs the token of this server');
});
