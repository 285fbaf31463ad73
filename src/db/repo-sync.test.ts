import { expect } from 'vitest';

import { test } from '../../test/database.ts';
import { dueAlone, leaseOf, newRepo, newRevision } from './repo-rows-fixture.ts';
import {
  confirmPrune,
  endSync,
  makeDue,
  markDirty,
  msUntilNextRepo,
  recordOutcome,
  releaseLease,
  takeDueRepos,
  takeLease,
} from './repo-sync.ts';
import { removeRepo } from './repos.ts';
import { sql } from './sql.ts';

const outcome = { failures: 0, missingReads: 0, conditions: [], answeredDirtyAt: null };

test('a repository that is due is taken once and due again at the next poll', async ({ db }) => {
  const repo = await newRepo(db);
  await dueAlone(db, repo);

  const taken = await takeDueRepos(db, { pollMs: 10_000, limit: 5 });
  const again = await takeDueRepos(db, { pollMs: 10_000, limit: 5 });

  expect(taken).toEqual([
    { ...repo, head: null, observedDigest: null, failures: 0, missingReads: 0, dirtyAt: null },
  ]);
  expect(again).toEqual([]);
  expect(await msUntilNextRepo(db)).toBeGreaterThan(5_000);
});

test('those that somebody waits for come first', async ({ db }) => {
  const [one, two] = [await newRepo(db), await newRepo(db)];
  await db.query(sql`update repo_sync set priority = 0, next_at = 'infinity'`);
  await makeDue(db, [one.id]);
  await db.query(sql`update repo_sync set priority = 0`);
  await markDirty(db, [two.id], { priority: 2 });

  const [first] = await takeDueRepos(db, { pollMs: 10_000, limit: 1 });

  expect(first?.id).toBe(two.id);
  expect(first?.dirtyAt).not.toBeNull();
});

test('a removed repository is never due', async ({ db }) => {
  const repo = await newRepo(db);
  await dueAlone(db, repo);
  await removeRepo(db, repo.id);

  expect(await takeDueRepos(db, { pollMs: 1, limit: 5 })).toEqual([]);
  // Those of other tests are due never.
  expect(await msUntilNextRepo(db)).toBe(Number.POSITIVE_INFINITY);
  expect(
    await takeLease(db, { repoId: repo.id, owner: 'a', leaseMs: 1, head: null }),
  ).toBeUndefined();
});

test('a lease has one owner at a time, and each has its own epoch', async ({ db }) => {
  const { id: repoId } = await newRepo(db);
  const { epoch } = await leaseOf(db, repoId);

  expect(await takeLease(db, { repoId, owner: 'b', leaseMs: 60_000, head: null })).toBeUndefined();
  await releaseLease(db, { repoId, epoch: epoch + 1 });
  expect(await takeLease(db, { repoId, owner: 'b', leaseMs: 60_000, head: null })).toBeUndefined();
  await releaseLease(db, { repoId, epoch });

  const next = await takeLease(db, { repoId, owner: 'b', leaseMs: 60_000, head: null });
  expect(next?.epoch).toBe(epoch + 1);
  expect(await recordOutcome(db, { ...outcome, repoId, epoch, head: 'late' })).toBe(false);
});

test('who looked at an older head gets no lease', async ({ db }) => {
  const { id: repoId } = await newRepo(db);
  const { epoch } = await leaseOf(db, repoId);
  await recordOutcome(db, { ...outcome, repoId, epoch, head: 'c2' });

  expect(await takeLease(db, { repoId, owner: 'a', leaseMs: 1, head: 'c1' })).toBeUndefined();
  expect(await takeLease(db, { repoId, owner: 'a', leaseMs: 1, head: 'c2' })).toBeDefined();
});

test('an outcome keeps what it leaves out, and says the revision in force', async ({ db }) => {
  const { id: repoId } = await newRepo(db);
  const revisionId = await newRevision(db, repoId, 'c1');
  const first = await leaseOf(db, repoId);
  await recordOutcome(db, {
    ...outcome,
    repoId,
    epoch: first.epoch,
    head: 'c1',
    revisionId,
    suspended: 'ConfigNotFound',
    diagnostics: [{ code: 'x' }],
  });
  const second = await leaseOf(db, repoId, 'c1');

  await recordOutcome(db, { ...outcome, repoId, epoch: second.epoch, suspended: null });

  const third = await leaseOf(db, repoId, 'c1');
  expect(second).toMatchObject({ suspended: 'ConfigNotFound' });
  expect(third).toMatchObject({
    suspended: null,
    inForce: { id: revisionId, commit: 'c1', digest: 'd1', blobs: { 'autodev.yaml': 'b1' } },
  });
  const [row] = await db.query(sql`select diagnostics from repo_sync where repo_id = ${repoId}`);
  expect(row).toEqual({ diagnostics: [{ code: 'x' }] });
});

test('an outcome answers the marks before the look and keeps those after it', async ({ db }) => {
  const repo = await newRepo(db);
  await dueAlone(db, repo);
  await markDirty(db, [repo.id], { priority: 1 });
  const [taken] = await takeDueRepos(db, { pollMs: 60_000, limit: 1 });
  const answeredDirtyAt = taken?.dirtyAt ?? null;
  await markDirty(db, [repo.id], { priority: 1 });
  const first = await leaseOf(db, repo.id);
  await recordOutcome(db, { ...outcome, repoId: repo.id, epoch: first.epoch, answeredDirtyAt });

  const [again] = await takeDueRepos(db, { pollMs: 60_000, limit: 1 });
  expect(again?.dirtyAt).not.toBeNull();

  const second = await leaseOf(db, repo.id);
  await recordOutcome(db, {
    ...outcome,
    repoId: repo.id,
    epoch: second.epoch,
    answeredDirtyAt: again?.dirtyAt ?? null,
  });
  expect(await takeDueRepos(db, { pollMs: 60_000, limit: 1 })).toEqual([]);
});

test('a confirmation is a digest, kept until it is used', async ({ db }) => {
  const { id: repoId } = await newRepo(db);
  await expect(confirmPrune(db, repoId, 'yes')).rejects.toMatchObject({ code: 'INVALID_REQUEST' });

  await confirmPrune(db, repoId, '0123456789ab');

  const lease = await leaseOf(db, repoId);
  expect(lease.confirmedPrune).toBe('0123456789ab');
  await recordOutcome(db, { ...outcome, repoId, epoch: lease.epoch, pruned: true });
  expect((await leaseOf(db, repoId)).confirmedPrune).toBeNull();
});

test('the end of a registration takes the lease away', async ({ db }) => {
  const { id: repoId } = await newRepo(db);
  const { epoch } = await leaseOf(db, repoId);

  await endSync(db, repoId);

  expect(await recordOutcome(db, { ...outcome, repoId, epoch })).toBe(false);
});
