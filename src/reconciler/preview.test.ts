import { expect } from 'vitest';

import { test } from '../../test/database.ts';
import { newJob } from '../../test/queue.ts';
import { insertJobs } from '../db/enqueue.ts';
import { getRepo } from '../db/repos.ts';
import { planRepo, previewPlan } from './preview.ts';
import { BASIC, setupReconciler } from './reconciler-fixture.ts';

test('the plan of a first file adds everything, with its next three runs', async ({ db }) => {
  using repo = await setupReconciler(db);

  const plan = await previewPlan(repo.deps, await getRepo(db, repo.repoId));

  expect(plan).toMatchObject({
    format_version: '1.0',
    valid: true,
    in_force: null,
    summary: { changes: true, add: 7, change: 0, remove: 0, destructive: false },
    effects: { usd_per_day: { before: null, after: 10 }, jobs_cancelled: 0 },
  });
  expect(plan.effects.next_runs['nightly']).toHaveLength(3);
  expect(plan.effects.next_runs['nightly']?.every((at) => at.endsWith('T02:30:00.000Z'))).toBe(
    true,
  );
});

test('the text shows runs on the clock of their schedule, the JSON in UTC', async ({ db }) => {
  using repo = await setupReconciler(db);
  const text = `version: 1
timezone: Asia/Kolkata
agents:
  bug-finder: {}
schedules:
  nightly: { agent: bug-finder, cron: "30 2 * * *" }
`;

  const answer = await planRepo(repo.deps, repo.repoId, { text });

  expect(answer.text).toMatch(
    /^Next nightly: (\w{3} [\d-]{10} 02:30 \+05:30,? ){3}Asia\/Kolkata$/m,
  );
  expect(answer.plan.effects.timezones).toEqual({ nightly: 'Asia/Kolkata' });
  expect(answer.plan.effects.next_runs['nightly']?.[0]).toMatch(/T21:00:00\.000Z$/);
});

test('applying a plan leaves an empty one', async ({ db }) => {
  using repo = await setupReconciler(db);
  await repo.pass();

  const { empty, plan, text } = await planRepo(repo.deps, repo.repoId, {});

  expect(empty).toBe(true);
  expect(plan.changes).toEqual([]);
  expect(plan.effects.usd_per_day).toEqual({ before: 10, after: 10 });
  expect(text).toMatch(/^No changes/);
});

test('a plan for a text shows what loosens first, and what it costs', async ({ db }) => {
  using repo = await setupReconciler(db);
  await repo.pass();
  await insertJobs(db, [newJob({ repoId: repo.repoId, agent: 'builder' })]);
  const text = `version: 1
agents:
  bug-finder: { limits: { tokens: 100k, usd: 4 } }
schedules:
  nightly: { agent: bug-finder, cron: "0 5 * * *" }
budgets:
  daily: { usd: 50, per: day }
`;

  const answer = await planRepo(repo.deps, repo.repoId, { text });

  expect(answer.empty).toBe(false);
  expect(answer.plan.changes.map(({ kind, key, action }) => `${action} ${kind} ${key}`)).toEqual([
    'update agent bug-finder',
    'update schedule nightly',
    'update budget daily',
    'retire agent builder',
  ]);
  expect(answer.plan.changes[0]?.paths).toEqual([
    { path: 'limits.microUsd', before: 3_000_000, after: 4_000_000, risk: 'loosens' },
    // Nobody is left to hand work to.
    {
      path: 'allow.hand_off',
      before: { max: 3, agents: ['builder'] },
      after: undefined,
      risk: 'tightens',
    },
    { path: 'limits.tokens', before: 300_000, after: 100_000, risk: 'tightens' },
  ]);
  expect(answer.plan.effects).toMatchObject({
    usd_per_day: { before: 10, after: 50 },
    jobs_cancelled: 1,
  });
  expect(answer.text).toContain('limits.usd: 3 -> 4  !');
  expect(await repo.count('revision')).toBe(1);
});

test('an invalid text has its diagnostics and changes nothing', async ({ db }) => {
  using repo = await setupReconciler(db);

  const answer = await planRepo(repo.deps, repo.repoId, {
    text: 'version: 1\nagents: [painter]\n',
  });

  expect(answer.plan.valid).toBe(false);
  expect(answer.empty).toBe(true);
  expect(answer.diagnostics).toMatchObject([{ severity: 'error', line: 2 }]);
});

test('without a file there is nothing to plan, and it says what to do', async ({ db }) => {
  using repo = await setupReconciler(db, '');

  await expect(planRepo(repo.deps, repo.repoId, {})).rejects.toMatchObject({
    code: 'NOT_FOUND',
    remedy: expect.stringContaining('autodev init'),
  });
});

test('a plan says which digest would confirm its retirements', async ({ db }) => {
  const many = Array.from(
    { length: 9 },
    (_, n) => `  s${n}: { agent: builder, cron: "${n} 1 * * *" }`,
  );
  using repo = await setupReconciler(db, `${BASIC}${many.join('\n')}\n`);
  await repo.pass();

  const { plan } = await planRepo(repo.deps, repo.repoId, { text: BASIC });

  expect(plan.prune.held).toBe(true);
  expect(plan.prune.digest).toMatch(/^[0-9a-f]{64}$/);
});
