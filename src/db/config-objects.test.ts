import { expect } from 'vitest';

import { test } from '../../test/database.ts';
import {
  listConfigObjects,
  objectsMove,
  retireConfigObjects,
  upsertConfigObjects,
} from './config-objects.ts';
import { newRepo } from './repo-rows-fixture.ts';
import { sql } from './sql.ts';

const agent = { kind: 'agent', name: 'builder', spec: { a: 1 }, hash: 'h1', line: 3 } as const;
const other = { kind: 'agent', name: 'tester', spec: {}, hash: 'h2', line: 4 } as const;

test('objects are written, changed, moved, retired and brought back', async ({ db }) => {
  const { id: repoId } = await newRepo(db);
  await upsertConfigObjects(db, { repoId, revisionId: 1 }, [agent, other]);
  expect(await listConfigObjects(db, repoId)).toEqual([agent, other]);

  await upsertConfigObjects(db, { repoId, revisionId: 2 }, [{ ...agent, hash: 'h3' }]);
  await db.query(objectsMove(repoId, [{ ...other, line: 9 }]));
  expect(await listConfigObjects(db, repoId)).toEqual([
    { ...agent, hash: 'h3' },
    { ...other, line: 9 },
  ]);

  await retireConfigObjects(db, repoId, [other]);
  await db.query(objectsMove(repoId, [{ ...other, line: 1 }]));
  expect(await listConfigObjects(db, repoId)).toEqual([{ ...agent, hash: 'h3' }]);

  await upsertConfigObjects(db, { repoId, revisionId: 3 }, [other]);
  const rows = await db.query<{ name: string; revision_id: number; line: number }>(
    sql`select name, revision_id, line from config_object where repo_id = ${repoId} order by name`,
  );
  expect(rows).toEqual([
    { name: 'builder', revision_id: 2, line: 3 },
    { name: 'tester', revision_id: 3, line: 4 },
  ]);
});
