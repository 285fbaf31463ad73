import { expect } from 'vitest';

import { test } from '../../test/database.ts';
import { TOKEN, setupApi } from '../dashboard/api/api-fixture.ts';
import { sql } from '../db/sql.ts';
import { insertJob, insertRepo } from '../db/views/rows-fixture.ts';
import { runOn } from './cli-fixture.ts';

test('status shows what failed of late, and a repository that cannot be read', async ({ db }) => {
  const autodev = runOn(await setupApi(db).listen(), TOKEN);
  const repoId = await insertRepo(db, 'failing');
  await insertRepo(db);
  const old = await insertJob(db, repoId, { state: 'failed' });
  await db.query(sql`update job_done set ended_at = now() - interval '25 hours' where id = ${old}`);
  for (let i = 0; i < 6; i += 1) {
    await insertJob(db, repoId, { agent: 'tester', state: 'failed' });
  }
  await db.query(sql`update job_done set detail = 'The program ended.' where repo_id = ${repoId}`);
  await db.query(sql`update repo_sync set conditions =
    '[{"type": "SourceReady", "status": "False", "message": "gone"}]' where repo_id = ${repoId}`);

  const overview = await autodev('status');
  const one = await autodev('status', 'failing');

  for (const { stdout } of [overview, one]) {
    expect(stdout).toMatch(/✖ j_(\d+) tester failed: The program ended\.\n {2}autodev job j_\1\n/);
    expect(stdout.match(/tester failed/g)).toHaveLength(5);
    expect(stdout).toContain('and 1 more');
    expect(stdout).not.toContain(`j_${old} `);
  }
  expect(overview.stdout).toMatch(/failing +✖ cannot be read/);
});
