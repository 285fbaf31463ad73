import { expect } from 'vitest';

import { test } from '../../test/database.ts';
import { postponeRepos } from './repo-poll.ts';
import { makeDue, takeDueRepos } from './repo-sync.ts';
import { addRepo } from './repos.ts';
import { sql } from './sql.ts';

test('a repository whose forge tells is left alone longer, unless somebody made it due', async ({
  db,
}) => {
  const add = (name: string) =>
    addRepo(db, { path: `g/${name}`, forge: 'gitlab', location: name, branch: 'main' });
  const [quiet, hinted] = [await add('1'), await add('2')];
  await takeDueRepos(db, { pollMs: 1000, limit: 10 });
  await makeDue(db, [hinted.id]);

  await postponeRepos(db, [quiet.id, hinted.id], { pollMs: 300_000 });

  const rows = await db.query<{ id: number; due: boolean; seconds: number }>(sql`
    select repo_id as id, next_at <= now() as due, extract(epoch from next_at - now())::int as seconds
    from repo_sync order by repo_id
  `);
  expect(rows.find(({ id }) => id === hinted.id)?.due).toBe(true);
  const seconds = rows.find(({ id }) => id === quiet.id)?.seconds;
  expect(seconds).toBeGreaterThan(290);
  expect(seconds).toBeLessThan(331);
});
