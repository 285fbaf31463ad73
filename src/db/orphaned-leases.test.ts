import { expect } from 'vitest';

import { test } from '../../test/database.ts';
import { insertEffects, settleEffect, takeEffects } from './effects.ts';
import { endOrphanedLeases } from './orphaned-leases.ts';
import { leaseOf, newRepo } from './repo-rows-fixture.ts';

const LEASE = { leaseMs: 600_000, limit: 5 };

test('what a killed process had leased is free at once, and its late answers count no more', async ({
  db,
}) => {
  const repo = await newRepo(db);
  await insertEffects(db, [
    {
      repoId: repo.id,
      jobId: null,
      attempt: null,
      position: 1,
      type: 'comment',
      payload: {},
      key: `orphan-${repo.id}`,
      staged: false,
    },
  ]);
  const [effect = { id: 0, epoch: 0 }] = await takeEffects(db, LEASE);
  const lease = await leaseOf(db, repo.id);

  await endOrphanedLeases(db);

  const [again] = await takeEffects(db, LEASE);
  const next = await leaseOf(db, repo.id);
  expect(again).toMatchObject({ id: effect.id, epoch: effect.epoch + 1 });
  expect(await settleEffect(db, effect, { state: 'done', result: {} })).toBe(false);
  expect(next.epoch).toBeGreaterThan(lease.epoch);
});
