import { expect } from 'vitest';

import { test } from '../../test/database.ts';
import { listEffects } from '../db/effects.ts';
import { insertJobs } from '../db/enqueue.ts';
import { listOpenGatesOfJob } from '../db/gates.ts';
import { findMergeRequest } from '../db/merge-requests.ts';
import { promoteDue } from '../db/promote.ts';
import { sql } from '../db/sql.ts';
import { tieLooseEnds } from './loose-ends.ts';
import { orchestratorFixture, publishAll } from './orchestrator-fixture.ts';
import { MERGE_REQUEST, rule } from './spec-fixture.ts';

const FILES = { 'src/add.ts': 'export const one = 2;\n' };

test('a result becomes a branch, a merge request, a gate and an event of ours', async ({ db }) => {
  const approvals = {
    default: rule(),
    tests: rule({ paths: ['src/add.ts'], approvals: 2 }),
    elsewhere: rule({ paths: ['infra/main.tf'] }),
    reviewers: rule({ agents: ['reviewer'] }),
  };
  using fixture = await orchestratorFixture(db, { approvals });
  const jobId = await fixture.work({ files: FILES, job: { title: 'Fix röunding: half up!' } });

  await publishAll(fixture);

  const branch = `autodev/builder/${jobId}-fix-ro-unding-half-up`;
  const head = fixture.git.sh(['rev-parse', branch]);
  expect(await db.query(sql`select number, branch, head, title, state from merge_request`)).toEqual(
    [{ number: 1, branch, head, title: 'Fix rounding', state: 'open' }],
  );
  const [gate] = await listOpenGatesOfJob(db, jobId);
  expect(gate).toMatchObject({ kind: 'merge', head, requesters: ['ada'] });
  expect(gate?.rules.map(({ name }) => name).toSorted()).toEqual(['default', 'tests']);
  const [effect] = await listEffects(db, jobId);
  expect(effect).toMatchObject({ state: 'done', result: { branch, head } });
  const events = await db.query(
    sql`select type, effect_id, payload -> 'paths' as paths from event`,
  );
  expect(events).toEqual([
    { type: 'merge_request_opened', effect_id: effect?.id, paths: ['src/add.ts'] },
  ]);
  expect(await fixture.job(jobId)).toMatchObject({ state: 'review', branch });
});

test('what is to be remembered stands in the gate word for word, and is approved with the change', async ({
  db,
}) => {
  using fixture = await orchestratorFixture(db);
  const text = 'Money is in cents.\nNever in floats.';
  const jobId = await fixture.work({
    files: FILES,
    outputs: [MERGE_REQUEST, { type: 'memory', kind: 'convention', text }],
  });

  await publishAll(fixture);

  const [gate] = await listOpenGatesOfJob(db, jobId);
  expect(gate?.body).toContain(
    '## Memory candidates\n\nconvention:\n> Money is in cents.\n> Never in floats.',
  );
  const memory = (await listEffects(db, jobId)).find(({ type }) => type === 'memory');
  expect(memory).toMatchObject({ state: 'done', result: { listed: true } });
});

test('merge requests are numbered without gaps, also when opened at once', async ({ db }) => {
  using fixture = await orchestratorFixture(db);
  for (let i = 0; i < 3; i += 1) {
    await fixture.work({ files: { [`file-${i}.md`]: 'x\n' } });
  }

  await Promise.all([publishAll(fixture), publishAll(fixture)]);
  await publishAll(fixture);

  const numbers = await db.query<{ number: number }>(
    sql`select number from merge_request order by 1`,
  );
  expect(numbers.map(({ number }) => number)).toEqual([1, 2, 3]);
});

test('a branch that the person has checked out is left alone, and the gate says so', async ({
  db,
}) => {
  using fixture = await orchestratorFixture(db);
  const jobId = await fixture.enqueue();
  const branch = `autodev/builder/${jobId}-fix-rounding`;
  await fixture.claim(jobId);
  await fixture.complete(jobId, { files: FILES });
  fixture.git.sh(['switch', '--quiet', '-c', branch]);

  await publishAll(fixture);

  const [gate] = await listOpenGatesOfJob(db, jobId);
  expect(gate?.body).toContain(`${branch} is checked out in ${fixture.git.path}`);
  expect(await fixture.job(jobId)).toMatchObject({ branch: `${branch}-2`, state: 'review' });
  expect(fixture.git.sh(['rev-parse', branch])).toBe(fixture.git.sh(['rev-parse', 'main']));
});

test('a continued branch that is checked out moves its merge request to another name', async ({
  db,
}) => {
  using fixture = await orchestratorFixture(db);
  const first = await fixture.work({ files: FILES });
  await publishAll(fixture);
  const { branch, mergeRequestId } = await fixture.job(first);
  const head = fixture.git.sh(['rev-parse', branch ?? '']);
  fixture.git.sh(['switch', '--quiet', branch ?? '']);

  await fixture.work({
    job: { agent: 'tester', mergeRequestId: mergeRequestId ?? 0, branch: branch ?? '' },
    base: head,
    files: { 'a.test.ts': 'test\n' },
  });
  await publishAll(fixture);

  expect(await db.query(sql`select id, branch, state from merge_request`)).toEqual([
    { id: mergeRequestId, branch: `${branch}-2`, state: 'open' },
  ]);
  expect(await db.query(sql`select 1 from gate where state = 'open'`)).toHaveLength(1);
});

test('a branch of this name with other work is refused and says what to do', async ({ db }) => {
  using fixture = await orchestratorFixture(db);
  const jobId = await fixture.enqueue();
  fixture.git.sh(['branch', `autodev/builder/${jobId}-fix-rounding`, 'main']);
  await fixture.claim(jobId);
  await fixture.complete(jobId, { files: FILES });

  await publishAll(fixture);

  const job = await fixture.job(jobId);
  expect(job.state).toBe('failed');
  expect(job.detail).toContain('Rename or delete that branch');
});

test('a result whose base is gone from the repository fails with what to do', async ({ db }) => {
  using fixture = await orchestratorFixture(db);
  const jobId = await fixture.enqueue();
  await fixture.claim(jobId);
  const base = fixture.git.commit({ 'gone.md': 'gone\n' });
  await fixture.complete(jobId, { files: FILES, base });
  fixture.git.sh(['reset', '--quiet', '--hard', 'HEAD~1']);
  fixture.git.sh(['reflog', 'expire', '--expire=now', '--all']);
  fixture.git.sh(['gc', '--quiet', '--prune=now']);

  await publishAll(fixture);

  const job = await fixture.job(jobId);
  expect(job.state).toBe('failed');
  expect(job.detail).toContain('The bundle does not bring');
});

test('a refused change fails the job, and nothing of it leaves', async ({ db }) => {
  using fixture = await orchestratorFixture(db);
  const deps = { ...fixture.deps, recheckArtifact: async () => ['.gitlab-ci.yml is protected.'] };
  const jobId = await fixture.work({ files: FILES });

  await publishAll({ ...fixture, deps });

  expect((await fixture.job(jobId)).detail).toContain('.gitlab-ci.yml is protected.');
  expect(fixture.git.sh(['branch', '--list', 'autodev/*'])).toBe('');
});

test('all jobs in review of a merge request share its end', async ({ db }) => {
  using fixture = await orchestratorFixture(db);
  const builder = await fixture.work({ files: FILES });
  await publishAll(fixture);
  const { branch, mergeRequestId } = await fixture.job(builder);
  const base = fixture.git.sh(['rev-parse', branch ?? '']);
  const tester = await fixture.work({
    job: { agent: 'tester', mergeRequestId: mergeRequestId ?? 0, branch: branch ?? '' },
    base,
    files: { 'a.test.ts': 'test\n' },
  });
  await publishAll(fixture);
  await db.query(sql`update merge_request set state = 'merged', closed_at = now()`);

  await tieLooseEnds(fixture.deps);

  expect(await fixture.job(builder)).toMatchObject({ state: 'succeeded' });
  expect(await fixture.job(tester)).toMatchObject({ state: 'succeeded' });
  await tieLooseEnds(fixture.deps);
  expect(await db.query(sql`select 1 from gate where state = 'open'`)).toEqual([]);
});

test('a job that was to continue a merge request and changed nothing puts it to people again', async ({
  db,
}) => {
  using fixture = await orchestratorFixture(db);
  const first = await fixture.work({ files: FILES });
  await publishAll(fixture);
  const { mergeRequestId } = await fixture.job(first);
  const next = await fixture.enqueue({ mergeRequestId: mergeRequestId ?? 0 });
  await db.query(sql`update merge_request set job_id = ${next}`);
  await db.query(sql`update gate set state = 'changes'`);
  await fixture.claim(next);
  await fixture.complete(next);

  await tieLooseEnds(fixture.deps);

  expect(await fixture.job(next)).toMatchObject({ state: 'review' });
  expect(await listOpenGatesOfJob(db, next)).toMatchObject([{ kind: 'merge', mergeRequestId }]);
});

test('a merge request whose job failed for good is closed, and its branch stays', async ({
  db,
}) => {
  using fixture = await orchestratorFixture(db);
  const first = await fixture.work({ files: FILES, outputs: [MERGE_REQUEST] });
  await publishAll(fixture);
  const { mergeRequestId, branch } = await fixture.job(first);
  const next = await fixture.enqueue({ mergeRequestId: mergeRequestId ?? 0 });
  await db.query(sql`update merge_request set job_id = ${next}`);
  await fixture.claim(next);
  await fixture.complete(next, { end: { state: 'failed', reason: 'check_failed' } });

  await tieLooseEnds(fixture.deps);

  expect(await db.query(sql`select state from merge_request`)).toEqual([{ state: 'closed' }]);
  expect(fixture.git.sh(['branch', '--list', branch ?? ''])).not.toBe('');
});

test('a job that lost its place while it published starts over on top of what is there', async ({
  db,
}) => {
  using fixture = await orchestratorFixture(db);
  const first = await fixture.work({ files: FILES });
  await publishAll(fixture);
  const [gate] = await listOpenGatesOfJob(db, first);
  const request = await findMergeRequest(db, gate?.mergeRequestId ?? 0);
  const branch = request?.branch ?? '';
  const [next] = await db.transaction((tx) =>
    insertJobs(tx, [
      {
        repoId: fixture.repoId,
        agent: 'tester',
        title: 'Test it',
        task: 'Test it.',
        trust: 'owner',
        trigger: { kind: 'hand_off', actor: 'autodev' },
        mergeRequestId: request?.id ?? 0,
        branch,
      },
    ]),
  );
  const jobId = next ?? 0;
  await fixture.claim(jobId);
  // A person pushes to the branch while the agent works.
  fixture.git.sh(['switch', '--quiet', branch]);
  const theirs = fixture.git.commit({ 'note.md': 'mine\n' }, 'Mine');
  fixture.git.sh(['switch', '--quiet', 'main']);
  await fixture.complete(jobId, { base: request?.head ?? '', files: { 'a.test.ts': 'test\n' } });

  await publishAll(fixture);

  expect(fixture.git.sh(['rev-parse', branch])).toBe(theirs);
  expect(await fixture.job(jobId)).toMatchObject({
    state: 'waiting',
    waitReason: 'retry',
    reason: 'base_conflict',
    input: [{ kind: 'note', author: 'autodev' }],
  });
  expect(await listEffects(db, jobId)).toMatchObject([{ state: 'cancelled' }]);

  await promoteDue(db, 10);
  await fixture.claim(jobId);
  await fixture.complete(jobId, { base: theirs, files: { 'a.test.ts': 'test\n' } });
  await publishAll(fixture);
  expect(await fixture.job(jobId)).toMatchObject({ state: 'review' });
  expect(fixture.git.sh(['log', '--format=%H', branch])).toContain(theirs);
});
