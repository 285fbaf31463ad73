import { expect } from 'vitest';

import { test } from '../../test/database.ts';
import type { ConfigObject } from '../domain/plan.ts';
import { listConfigObjects } from './config-objects.ts';
import { setLaneLimits } from './lanes.ts';
import { leaseOf, newRepo } from './repo-rows-fixture.ts';
import { endSync } from './repo-sync.ts';
import { findRevisionInForce } from './revisions.ts';
import type { Settlement } from './settle-look.ts';
import { readRunning, settleLook } from './settle-look.ts';
import { sql } from './sql.ts';

const pm: ConfigObject = { kind: 'agent', name: 'pm', spec: { x: 1 }, hash: 'a', line: 3 };
const tester: ConfigObject = { kind: 'agent', name: 'tester', spec: { x: 2 }, hash: 'b', line: 4 };

/** A look that finds a first revision with these objects. */
function settlement(
  { repoId, epoch }: { repoId: number; epoch: number },
  written: readonly ConfigObject[],
): Settlement {
  return {
    outcome: {
      repoId,
      epoch,
      head: 'c1',
      failures: 0,
      missingReads: 0,
      conditions: [],
      answeredDirtyAt: null,
    },
    revision: {
      repoId,
      commit: 'c1',
      blobs: {},
      digest: 'd1',
      state: 'applied',
      spec: undefined,
      source: 'version: 1',
      author: 'Ada',
      subject: 'Begin',
      plan: null,
      diagnostics: [],
    },
    inForce: 'revision',
    events: [{ repoId, type: 'push', key: `push:${repoId}:c1`, payload: {} }],
    changes: {
      written,
      moved: [],
      retired: [],
      schedules: [],
      audit: { actor: 'Ada', action: 'revision.applied', target: 'c1', repoId },
    },
  };
}

test('a look is settled whole, and read back as what runs', async ({ db }) => {
  const { id: repoId } = await newRepo(db);
  const { epoch } = await leaseOf(db, repoId);

  const settled = await settleLook(db, settlement({ repoId, epoch }, [pm, tester]));

  expect(settled).toBe(true);
  expect(await listConfigObjects(db, repoId)).toEqual([pm, tester]);
  const inForce = await findRevisionInForce(db, repoId);
  expect(inForce).toMatchObject({ commit: 'c1', digest: 'd1' });
  const written = await db.query(sql`
    select distinct revision_id as id from config_object where repo_id = ${repoId}
  `);
  expect(written).toEqual([{ id: inForce?.id }]);
});

test('what is read again comes into force under its old revision', async ({ db }) => {
  const { id: repoId } = await newRepo(db);
  const first = await leaseOf(db, repoId);
  await settleLook(db, settlement({ repoId, epoch: first.epoch }, [pm, tester]));
  const inForce = await findRevisionInForce(db, repoId);
  const { epoch } = await leaseOf(db, repoId, 'c1');
  const again = settlement({ repoId, epoch }, [{ ...pm, hash: 'c' }]);
  const moved = [{ ...tester, line: 9 }];

  await settleLook(db, {
    ...again,
    revision: undefined,
    inForce: inForce?.id,
    events: [],
    changes: again.changes && { ...again.changes, moved },
  });

  expect(await listConfigObjects(db, repoId)).toEqual([{ ...pm, hash: 'c' }, ...moved]);
  expect(await findRevisionInForce(db, repoId)).toEqual(inForce);
});

test('what runs comes without the specs of objects that are wanted as they are', async ({ db }) => {
  const { id: repoId } = await newRepo(db);
  const first = await leaseOf(db, repoId);
  await settleLook(db, settlement({ repoId, epoch: first.epoch }, [pm, tester]));
  await setLaneLimits(db, repoId, [{ agent: 'pm', maxRunning: 2 }]);
  const { epoch } = await leaseOf(db, repoId, 'c1');

  const running = await readRunning(db, { repoId, epoch }, [pm, { ...tester, hash: 'new' }]);

  expect(running).toMatchObject({
    objects: [{ ...pm, spec: null }, tester],
    lanes: { lanes: [{ agent: 'pm', maxRunning: 2, holds: {} }], slots: 1 },
  });
});

test('who lost the lease reads nothing and writes nothing', async ({ db }) => {
  const { id: repoId } = await newRepo(db);
  const { epoch } = await leaseOf(db, repoId);
  await endSync(db, repoId);

  const running = await readRunning(db, { repoId, epoch }, []);
  const settled = await settleLook(db, settlement({ repoId, epoch }, [pm]));

  expect(running).toBeUndefined();
  expect(settled).toBe(false);
  const [rows] = await db.query(sql`
    select (select count(*)::int from revision where repo_id = ${repoId}) as revisions,
      (select count(*)::int from config_object where repo_id = ${repoId}) as objects,
      (select count(*)::int from event where repo_id = ${repoId}) as events,
      (select count(*)::int from audit where repo_id = ${repoId}) as audits
  `);
  expect(rows).toEqual({ revisions: 0, objects: 0, events: 0, audits: 0 });
});
