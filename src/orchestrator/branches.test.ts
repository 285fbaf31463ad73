import { expect } from 'vitest';

import { test } from '../../test/database.ts';
import type { Db } from '../db/db.ts';
import { listOpenGatesOfJob, listVotes } from '../db/gates.ts';
import { findMergeRequest } from '../db/merge-requests.ts';
import { sql } from '../db/sql.ts';
import { observeBranches } from './branches.ts';
import { decideGate } from './decide-gates.ts';
import { tieLooseEnds } from './loose-ends.ts';
import { OPERATOR, orchestratorFixture, publishAll } from './orchestrator-fixture.ts';

async function setup(db: Db) {
  const fixture = await orchestratorFixture(db);
  const jobId = await fixture.work({ files: { 'src/add.ts': 'export const one = 2;\n' } });
  await publishAll(fixture);
  const [gate] = await listOpenGatesOfJob(db, jobId);
  const request = await findMergeRequest(db, gate?.mergeRequestId ?? 0);
  if (!gate || !request) {
    throw new Error('no merge request was opened');
  }
  const look = (): Promise<number> => observeBranches(fixture.deps, fixture.signal);
  return { fixture, jobId, gate, request, look, [Symbol.dispose]: () => fixture[Symbol.dispose]() };
}

const stateOf = async (db: Db, id: number) => (await findMergeRequest(db, id))?.state;

test('merging by hand is an approval', async ({ db }) => {
  using story = await setup(db);
  const { fixture, jobId, gate, request, look } = story;
  fixture.git.sh(['merge', '--quiet', '--no-edit', request.branch]);

  expect(await look()).toBe(1);
  await publishAll(fixture);

  expect(await fixture.job(jobId)).toMatchObject({ state: 'succeeded' });
  expect(await stateOf(db, request.id)).toBe('merged');
  expect(await listVotes(db, gate.id)).toMatchObject([
    { voter: OPERATOR, verdict: 'approve', via: 'merge', self: true },
  ]);
  expect(fixture.git.sh(['branch', '--list', 'autodev/*'])).toBe('');
  expect(await look()).toBe(0);
});

test('a squash merge is seen by its change', async ({ db }) => {
  using story = await setup(db);
  const { fixture, jobId, request, look } = story;
  fixture.git.commit({ 'other.md': 'other\n' });
  fixture.git.sh(['merge', '--quiet', '--squash', request.branch]);
  fixture.git.sh(['commit', '--quiet', '-m', 'All in one']);

  expect(await look()).toBe(1);

  expect(await fixture.job(jobId)).toMatchObject({ state: 'succeeded' });
});

test('a rebase merge is seen by its commits', async ({ db }) => {
  using story = await setup(db);
  const { fixture, jobId, request, look } = story;
  fixture.git.commit({ 'other.md': 'other\n' });
  fixture.git.sh(['cherry-pick', request.head]);

  expect(await look()).toBe(1);

  expect(await fixture.job(jobId)).toMatchObject({ state: 'succeeded' });
});

test('deleting the branch unmerged is a rejection', async ({ db }) => {
  using story = await setup(db);
  const { fixture, jobId, gate, request, look } = story;
  fixture.git.sh(['branch', '--quiet', '-D', request.branch]);

  expect(await look()).toBe(1);

  expect(await fixture.job(jobId)).toMatchObject({ state: 'rejected' });
  expect(await stateOf(db, request.id)).toBe('closed');
  expect(await listVotes(db, gate.id)).toMatchObject([
    { verdict: 'reject', via: 'branch_deleted' },
  ]);
});

test("a person's commit on the branch voids votes, moves the gate and is an event of theirs", async ({
  db,
}) => {
  using story = await setup(db);
  const { fixture, jobId, gate, request, look } = story;
  fixture.git.sh(['switch', '--quiet', request.branch]);
  const theirs = fixture.git.commit({ 'note.md': 'mine\n' }, 'Mine');
  fixture.git.sh(['switch', '--quiet', 'main']);
  await db.query(sql`
    insert into vote (gate_id, voter, role, verdict, head, self, via)
    values (${gate.id}, ${OPERATOR}, 'owner', 'approve', ${request.head}, true, 'cli')
  `);

  expect(await look()).toBe(1);
  await decideGate(fixture.deps, gate.id, fixture.signal);

  expect(await listOpenGatesOfJob(db, jobId)).toMatchObject([{ id: gate.id, head: theirs }]);
  expect(await fixture.job(jobId)).toMatchObject({ state: 'review' });
  const events = await db.query(
    sql`select effect_id from event where type = 'merge_request_updated'`,
  );
  expect(events).toEqual([{ effect_id: null }]);
  expect(await look()).toBe(0);
});

test('our own merge is not seen a second time', async ({ db }) => {
  using story = await setup(db);
  const { fixture, gate, request, look } = story;
  await db.query(sql`
    insert into vote (gate_id, voter, role, verdict, head, self, via)
    values (${gate.id}, ${OPERATOR}, 'owner', 'approve', ${request.head}, true, 'cli')
  `);

  const [, ...looks] = await Promise.all([
    decideGate(fixture.deps, gate.id, fixture.signal),
    look(),
    look(),
  ]);

  expect(looks.length).toBe(2);
  expect(await db.query(sql`select 1 from event where type = 'merge_request_merged'`)).toHaveLength(
    1,
  );
  expect(
    await db.query(sql`select 1 from audit where action = 'merge_request.merged'`),
  ).toHaveLength(1);
});

test('a branch that cannot be looked at is left as it is', async ({ db }) => {
  using story = await setup(db);
  const { fixture, jobId, look } = story;
  await db.query(sql`update repo set location = '/nowhere'`);

  expect(await look()).toBe(0);

  expect(await fixture.job(jobId)).toMatchObject({ state: 'review' });
});

test('a branch that is deleted while its job works on changes ends that job', async ({ db }) => {
  using story = await setup(db);
  const { fixture, gate, request, look } = story;
  await db.query(sql`
    insert into vote (gate_id, voter, role, verdict, head, note, self, via)
    values (${gate.id}, ${OPERATOR}, 'owner', 'changes', ${request.head}, 'Smaller.', true, 'cli')
  `);
  await decideGate(fixture.deps, gate.id, fixture.signal);
  const [successor] = await db.query<{ id: number }>(sql`select id from job where state = 0`);
  fixture.git.sh(['branch', '--quiet', '-D', request.branch]);

  await look();
  await tieLooseEnds(fixture.deps);

  expect(await fixture.job(successor?.id ?? 0)).toMatchObject({
    state: 'cancelled',
    reason: 'subject_closed',
  });
  expect(await tieLooseEnds(fixture.deps)).toBe(0);
});
