import { expect } from 'vitest';

import { test } from '../../test/database.ts';
import { TOKEN, setupApi } from '../dashboard/api/api-fixture.ts';
import type { Db } from '../db/db.ts';
import { sql } from '../db/sql.ts';
import {
  insertGate,
  insertJob,
  insertMergeRequest,
  insertRepo,
  insertRevision,
} from '../db/views/rows-fixture.ts';
import { runOn } from './cli-fixture.ts';

async function setup(db: Db) {
  const { listen } = setupApi(db);
  return { autodev: runOn(await listen(), TOKEN) };
}

test('status shows one repository whole, with what waits for you', async ({ db }) => {
  const { autodev } = await setup(db);
  const repoId = await insertRepo(db, 'status-repo');
  await insertGate(db, repoId);
  await db.query(sql`update repo_sync set diagnostics = '[{"severity": "error", "line": 3, "column": 5,
    "message": "unknown key", "remedy": "remove it", "corrected": "agents:"}]' where repo_id = ${repoId}`);
  await db.query(sql`insert into lane (repo_id, agent, max_running) values (${repoId}, 3, 2)`);

  const { code, stdout } = await autodev('status', 'status-repo');

  expect(code).toBe(0);
  expect(stdout).toContain('status-repo ✖ invalid file');
  expect(stdout).toContain('autodev.yaml:3:5 ✖ error unknown key\n  remove it\n  agents:');
  expect(stdout).toMatch(/builder +0\/2 +0 +–/);
  expect(stdout).toMatch(/▲ g_\d+ merge: Merge the fix\?/);
});

test('status without a name lists all repositories', async ({ db }) => {
  const { autodev } = await setup(db);
  await insertRepo(db, 'list-a');
  await insertRepo(db, 'list-b');

  const { stdout } = await autodev('status');

  expect(stdout).toMatch(/list-a +○ not read yet/);
  expect(stdout).toMatch(/list-b +○ not read yet/);
});

test('status says first of all when workers are not kept in a box', async ({ db }) => {
  const { autodev } = await setup(db);
  await insertRepo(db, 'unboxed');
  const boxed = await autodev('status', 'unboxed');
  await db.query(sql`
    insert into runner (key, lease_until, heartbeat_at, agents, providers, slots, host, pid, sandbox)
    values ('unboxed', now() + interval '1 hour', now(), '{3}', '{command}', 1, 'here', 1,
      '{"mode": "auto", "protected": false, "reason": "bwrap is missing"}')`);

  const one = await autodev('status', 'unboxed');
  const all = await autodev('status');
  const json = await autodev('status', 'unboxed', '-o', 'json');
  await db.query(sql`delete from runner where key = 'unboxed'`);

  expect(boxed.stdout).not.toContain('box:');
  expect(one.stdout).toMatch(/^▲ Workers are not kept in a box: bwrap is missing\n/);
  expect(all.stdout).toMatch(/^▲ Workers are not kept in a box: bwrap is missing\n/);
  expect(JSON.parse(json.stdout)).toMatchObject({
    sandbox: { status: 'False', reason: 'Degraded' },
    repo: { conditions: [{ type: 'SandboxAvailable', status: 'False', reason: 'Degraded' }] },
  });
});

test('status --annotate shows the file in force with what is true now', async ({ db }) => {
  const { autodev } = await setup(db);
  const repoId = await insertRepo(db, 'annotated');
  const none = await autodev('status', 'annotated', '--annotate');
  const revisionId = await insertRevision(db, repoId);
  await db.query(sql`update revision set spec = '{"budgets": {"daily": {"scope": "repo", "per": "day",
    "microUsd": 10000000, "onExhausted": "wait"}}}' where id = ${revisionId}`);
  await db.query(sql`insert into config_object (repo_id, kind, name, spec, hash, line, revision_id) values
    (${repoId}, 'budget', 'daily', '{}', 'h', 1, ${revisionId}),
    (${repoId}, 'agent', 'builder', '{}', 'h', 3, ${revisionId}),
    (${repoId}, 'schedule', 'nightly', '{}', 'h', 6, ${revisionId})`);
  await db.query(
    sql`insert into lane (repo_id, agent, max_running, running, ready) values (${repoId}, 3, 2, 1, 4)`,
  );
  await db.query(sql`insert into schedule (repo_id, name, spec, next_at) values (${repoId}, 'nightly',
    '{"agent": "builder", "enabled": true, "cron": "0 2 * * *", "timezone": "Asia/Kolkata"}',
    '2029-12-31T20:30:00Z')`);
  await insertMergeRequest(db, repoId, await insertJob(db, repoId, { state: 'review' }));

  const text = await autodev('status', 'annotated', '--annotate');
  const json = await autodev('status', 'annotated', '--annotate', '-o', 'json');

  expect(none).toMatchObject({ code: 1, stderr: expect.stringContaining('in force') });
  expect(text.stdout).toBe(`version: 1     # ◂ daily: 0.00 of 10.00 USD spent
agents:
  builder: {}  # ◂ 1/2 running, 4 queued, 1 open merge request

schedules:
  nightly:     # ◂ next Tue 2030-01-01 02:00 +05:30 Asia/Kolkata
    agent: builder
    cron: "0 2 * * *"
`);
  expect(JSON.parse(json.stdout)).toMatchObject({
    commit: 'c'.repeat(40),
    lines: expect.arrayContaining([
      { line: 6, text: '  nightly:', notes: ['next Tue 2030-01-01 02:00 +05:30 Asia/Kolkata'] },
    ]),
  });
});

test('status shows the next run on the clock of its schedule, as JSON in UTC', async ({ db }) => {
  const { autodev } = await setup(db);
  const repoId = await insertRepo(db, 'zoned');
  await db.query(sql`insert into schedule (repo_id, name, spec, next_at) values (${repoId}, 'nightly',
    '{"agent": "builder", "enabled": true, "cron": "30 2 * * *", "timezone": "America/Los_Angeles"}',
    '2030-01-01T10:30:00Z')`);

  const text = await autodev('status', 'zoned');
  const json = await autodev('status', 'zoned', '-o', 'json');

  expect(text.stdout).toContain('Tue 2030-01-01 02:30 -08:00 America/Los_Angeles');
  expect(json.stdout).toContain('"2030-01-01T10:30:00.000Z"');
});
