import { expect } from 'vitest';

import { test } from '../../test/database.ts';
import { TOKEN, setupApi } from '../dashboard/api/api-fixture.ts';
import type { Db } from '../db/db.ts';
import { sql } from '../db/sql.ts';
import { insertGate, insertJob, insertRepo } from '../db/views/rows-fixture.ts';
import { runOn } from './cli-fixture.ts';

async function setup(db: Db) {
  const url = await setupApi(db).listen();
  return { repoId: await insertRepo(db), autodev: runOn(url, TOKEN) };
}

test('a gate and its job show what changed, and that it is what was sent back before', async ({
  db,
}) => {
  const { repoId, autodev } = await setup(db);
  const first = await insertJob(db, repoId, { state: 'cancelled' });
  const before = await insertGate(db, repoId, { jobId: first, state: 'changes' });
  const id = await insertJob(db, repoId, {
    state: 'review',
    trigger: { kind: 'changes', actor: 'ada', from_job: first },
  });
  const gate = await insertGate(db, repoId, { jobId: id });
  await db.query(sql`update job set branch = 'autodev/builder/1' where id = ${id}`);
  await db.query(sql`insert into artifact (job_id, attempt, repo_id, base, head, stat, diff, bundle)
    values (${id}, 1, ${repoId}, 'b', 'h',
      '{"files": 2, "added": 12, "removed": 4, "paths": ["tax.js", "test/tax.js"]}', '+', '\\x00')`);

  const pages = await Promise.all([autodev('approvals', `g_${gate}`), autodev('job', `j_${id}`)]);

  for (const { stdout } of pages) {
    expect(stdout).toContain('changes 2 files, +12 −4\n  tax.js\n  test/tax.js\n');
    expect(stdout).toContain(`  autodev job j_${id} --diff\n`);
    expect(stdout).toContain('  git diff main...autodev/builder/1\n');
    expect(stdout).toContain(`▲ unchanged since g_${before}\n`);
  }
});

test('what a job wrote and what people told it stand on its page in words', async ({ db }) => {
  const { repoId, autodev } = await setup(db);
  const id = await insertJob(db, repoId, { state: 'running' });
  await db.query(sql`update job set input = '[{"kind": "note", "author": "ada", "text": "Mind zero.",
    "at": "2030-01-01T00:00:00Z"}]' where id = ${id}`);
  await db.query(sql`insert into issue (repo_id, job_id, number, title, description)
    values (${repoId}, ${id}, 7, '2 TODOs', 'In a.js.')`);
  await db.query(sql`insert into effect (repo_id, job_id, attempt, position, type, payload, key, state, error)
    values
    (${repoId}, ${id}, 1, 1, 'issue', ${JSON.stringify({ title: '2 TODOs', description: lines(25) })}, 'k1', 'done', null),
    (${repoId}, ${id}, 1, 2, 'comment', '{"body": "Looks right.", "target": "issue:7"}', 'k2', 'done', null),
    (${repoId}, ${id}, 1, 3, 'review', '{"verdict": "request_changes", "summary": "Nearly.",
      "comments": [{"path": "a.js", "line": 3, "body": "Why?"}]}', 'k3', 'failed', 'no subject')`);

  const { stdout } = await autodev('job', `j_${id}`);

  expect(stdout).toContain('\nnote of ada:\n  Mind zero.\n');
  expect(stdout).toContain('\nissue #7 "2 TODOs"\n  line 1\n');
  expect(stdout).toContain('  line 20\n  … 5 more lines\n');
  expect(stdout).toContain('\ncomment on issue #7\n  Looks right.\n');
  expect(stdout).toContain(
    '\nreview, asks for changes failed: no subject\n  Nearly.\n  a.js:3 Why?\n',
  );
  expect(stdout).not.toContain('{');
});

function lines(count: number): string {
  return Array.from({ length: count }, (_, i) => `line ${i + 1}`).join('\n');
}
