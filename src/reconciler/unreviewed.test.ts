import { expect } from 'vitest';

import { test } from '../../test/database.ts';
import type { Db } from '../db/db.ts';
import { findRevisionInForce } from '../db/revisions.ts';
import { sql } from '../db/sql.ts';
import type { Condition } from '../domain/conditions.ts';
import { conditionProblems, findCondition } from '../domain/conditions.ts';
import { configReview, FILE, FIRST, SECOND } from './config-review-fixture.ts';

async function stalled(db: Db): Promise<string | undefined> {
  const [row] = await db.query<{ conditions: Condition[] }>(sql`select conditions from repo_sync`);
  const conditions = row?.conditions ?? [];
  expect(conditionProblems(conditions)).toEqual([]);
  return findCondition(conditions, 'Stalled')?.reason;
}

test('a push past review is held until people vote for its commit, and an issue says so', async ({
  db,
}) => {
  await using shop = await configReview(db);
  await shop.reconcile();
  const before = await findRevisionInForce(db, shop.repoId);

  await shop.gitlab.push(shop.project, {
    branch: 'main',
    by: shop.alice,
    files: { [FILE]: SECOND },
  });
  await shop.reconcile();
  await shop.publish();
  const held = await findRevisionInForce(db, shop.repoId);
  const reason = await stalled(db);
  const [issue] = shop.gitlab.state.issues;
  const opened = issue?.state;
  await shop.reconcile();
  const gates = await db.query<{ head: string }>(sql`select head from gate where kind = 'config'`);
  await db.query(sql`update gate set state = 'approved' where kind = 'config'`);
  await shop.reconcile();
  await shop.publish();

  expect([before?.id, reason]).toEqual([held?.id, 'ConfigUnreviewed']);
  expect([issue?.title, opened]).toEqual([
    'Action required: autodev.yaml was changed past review',
    'opened',
  ]);
  expect(gates).toHaveLength(1);
  expect((await findRevisionInForce(db, shop.repoId))?.commit).toBe(gates[0]?.head);
  expect([await stalled(db), issue?.state, shop.gitlab.state.issues.length]).toEqual([
    undefined,
    'closed',
    1,
  ]);
});

test('what a merge request brought is applied, also under later commits to other files', async ({
  db,
}) => {
  await using shop = await configReview(db);
  await shop.reconcile();
  const request = await shop.propose({ [FILE]: SECOND });
  await shop.gitlab.as(shop.alice).merge(request);
  const sha = await shop.gitlab.push(shop.project, {
    branch: 'main',
    by: shop.alice,
    files: { 'README.md': 'later\n' },
  });

  await shop.reconcile();

  expect((await findRevisionInForce(db, shop.repoId))?.commit).toBe(sha);
  expect(await stalled(db)).toBeUndefined();
});

test('a merge request that was edited by a push after its merge brought something else', async ({
  db,
}) => {
  await using shop = await configReview(db);
  await shop.reconcile();
  const request = await shop.propose({ [FILE]: SECOND });
  await shop.gitlab.as(shop.alice).merge(request);
  await shop.gitlab.push(shop.project, {
    branch: 'main',
    by: shop.alice,
    files: { [FILE]: SECOND.replace('usd: 5', 'usd: 500') },
  });

  await shop.reconcile();

  expect(await stalled(db)).toBe('ConfigUnreviewed');
});

test('a broken file on the default branch has one issue, which follows it and closes itself', async ({
  db,
}) => {
  await using shop = await configReview(db);
  await shop.reconcile();
  const push = async (text: string): Promise<void> => {
    await shop.gitlab.push(shop.project, {
      branch: 'main',
      by: shop.alice,
      files: { [FILE]: text },
    });
    await shop.reconcile();
    await shop.publish();
  };

  await push(FIRST.replace('builder:', 'bulider:'));
  const [issue] = shop.gitlab.state.issues;
  const first = issue?.description ?? '';
  await push(FIRST.replace('builder:', 'buidler:'));
  const second = issue?.description ?? '';
  await push(FIRST);

  expect(first).toContain('bulider');
  expect(second).toContain('buidler');
  expect([shop.gitlab.state.issues.length, issue?.state]).toEqual([1, 'closed']);
  expect(await shop.statuses('main')).not.toEqual([]);
});
