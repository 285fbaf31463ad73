import { expect } from 'vitest';

import { test } from '../../test/database.ts';
import { leaseOf, newRepo, newRevision } from './repo-rows-fixture.ts';
import { recordOutcome } from './repo-sync.ts';
import { findRevisionInForce, getRevisionInForce } from './revisions.ts';
import { sql } from './sql.ts';

test('the same commit with the same result is one row, with the plan that brought it', async ({
  db,
}) => {
  const repo = await newRepo(db);
  const first = await newRevision(db, repo.id, 'c1');
  await db.query(sql`update revision set plan = '"the first"' where id = ${first}`);

  const again = await newRevision(db, repo.id, 'c1');

  expect(again).toBe(first);
  const [row] = await db.query(
    sql`select plan, applied_at is not null as applied from revision where id = ${first}`,
  );
  expect(row).toEqual({ plan: 'the first', applied: true });
});

test('the revision in force is the one that the repository points to', async ({ db }) => {
  const repo = await newRepo(db);
  expect(await findRevisionInForce(db, repo.id)).toBeUndefined();
  await expect(getRevisionInForce(db, repo.id)).rejects.toMatchObject({ code: 'BUSY' });
  await db.query(sql`update repo_sync set head = 'c0' where repo_id = ${repo.id}`);
  await expect(getRevisionInForce(db, repo.id)).rejects.toMatchObject({ code: 'CONFLICT' });
  await db.query(sql`update repo_sync set head = null where repo_id = ${repo.id}`);
  const revisionId = await newRevision(db, repo.id, 'c1');
  await newRevision(db, repo.id, 'c2');
  const { epoch } = await leaseOf(db, repo.id);

  await recordOutcome(db, {
    repoId: repo.id,
    epoch,
    revisionId,
    failures: 0,
    missingReads: 0,
    conditions: [],
    answeredDirtyAt: null,
  });

  expect(await getRevisionInForce(db, repo.id)).toMatchObject({ id: revisionId, commit: 'c1' });
});
