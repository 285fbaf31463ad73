import { expect } from 'vitest';

import { test } from '../../test/database.ts';
import { newRunner, resetQueue } from '../../test/queue.ts';
import { upsertConfigObjects } from '../db/config-objects.ts';
import type { Db } from '../db/db.ts';
import { addRepo } from '../db/repos.ts';
import { sql } from '../db/sql.ts';
import { holdUnservedLanes } from './upkeep.ts';

async function setup(db: Db) {
  await db.query(sql`truncate repo restart identity cascade`);
  await resetQueue(db, { agents: ['builder', 'tester'] });
  const { id } = await addRepo(db, {
    path: 'app',
    forge: 'local',
    location: '/app',
    branch: 'main',
  });
  const agent = (name: string, provider: string) => ({
    kind: 'agent' as const,
    name,
    spec: { providers: [{ name: provider }] },
    hash: provider,
    line: 1,
  });
  await upsertConfigObjects(db, { repoId: id, revisionId: 1 }, [
    agent('builder', 'codex'),
    agent('tester', 'command'),
  ]);
  return {
    holds: () =>
      db.query<{ agent: number; reason: string }>(
        sql`select agent::int as agent, reason from lane_hold where kind = 'no_runner'`,
      ),
  };
}

test('a lane whose provider no runner has is held and says which, and freed when one comes', async ({
  db,
}) => {
  const { holds } = await setup(db);
  await newRunner(db);

  await holdUnservedLanes({ db });

  expect(await holds()).toEqual([{ agent: 3, reason: expect.stringContaining('codex') }]);

  await db.query(sql`update runner set providers = '{command,codex}'`);
  await holdUnservedLanes({ db });

  expect(await holds()).toEqual([]);
  expect(await holdUnservedLanes({ db })).toBe(0);
});

test('while no runner lives nothing is held for it', async ({ db }) => {
  const { holds } = await setup(db);
  await newRunner(db);
  await db.query(sql`update runner set lease_until = now() - interval '1 s'`);

  expect(await holdUnservedLanes({ db })).toBe(0);

  expect(await holds()).toEqual([]);
});
