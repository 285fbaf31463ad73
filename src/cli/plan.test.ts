import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { expect, onTestFinished } from 'vitest';

import { test } from '../../test/database.ts';
import type { Acts } from '../dashboard/api/acts.ts';
import { TOKEN, setupApi } from '../dashboard/api/api-fixture.ts';
import type { Db } from '../db/db.ts';
import { sql } from '../db/sql.ts';
import { insertRepo } from '../db/views/rows-fixture.ts';
import { repoFixture } from '../forge/local/repo-fixture.ts';
import { run } from './cli-fixture.ts';

async function setup(db: Db, name: string, planRepo: Acts['planRepo']) {
  const { listen } = setupApi(db, { planRepo });
  const url = await listen();
  const repoId = await insertRepo(db, name);
  return {
    repoId,
    plan: (cwd: string, ...argv: string[]) =>
      run(['plan', name, ...argv], { cwd, env: { AUTODEV_URL: url, AUTODEV_TOKEN: TOKEN } }),
  };
}

test('plan ends with 2 where something would change, 3 where the file is invalid', async ({
  db,
}) => {
  const { plan } = await setup(db, 'plan-repo', async (_, { text }) => ({
    empty: text === undefined,
    plan: {},
    text: text === undefined ? 'No changes.' : '+ agent tester',
    diagnostics:
      text === 'broken' ? [{ severity: 'error', line: 1, column: 1, message: 'no mapping' }] : [],
  }));
  const dir = await mkdtemp(path.join(tmpdir(), 'autodev-plan-'));
  onTestFinished(() => rm(dir, { recursive: true }));
  await writeFile(path.join(dir, 'good.yaml'), 'version: 1');
  await writeFile(path.join(dir, 'bad.yaml'), 'broken');

  const same = await plan(dir, '--detailed-exitcode');
  const changed = await plan(dir, '--file', 'good.yaml', '--detailed-exitcode');
  const shown = await plan(dir, '--file', 'good.yaml');
  const broken = await plan(dir, '--file', 'bad.yaml');
  const missing = await plan(dir, '--file', 'none.yaml');

  expect([same.code, changed.code, shown.code, broken.code, missing.code]).toEqual([
    0, 2, 0, 3, 64,
  ]);
  expect(shown.stdout).toBe('+ agent tester\n');
  expect(broken.stdout).toContain('autodev.yaml:1:1 ✖ error no mapping');
});

test('plan says when the file on disk is not the one that it planned', async ({ db }) => {
  using fixture = repoFixture();
  const { repoId, plan } = await setup(db, 'edited', async () => ({
    empty: true,
    plan: {},
    text: 'No changes.',
    diagnostics: [],
  }));
  const head = fixture.commit({ 'autodev.yaml': 'version: 1\n' });
  await db.query(sql`update repo set location = ${fixture.path} where id = ${repoId}`);
  await db.query(sql`update repo_sync set head = ${head} where repo_id = ${repoId}`);

  const committed = await plan(fixture.path);
  fixture.write('autodev.yaml', 'version: 1\nagents: {}\n');
  const edited = await plan(fixture.folder);
  const json = await plan(fixture.path, '-o', 'json');
  const named = await plan(fixture.path, '--file', 'autodev.yaml');

  expect(committed.stdout).toBe('No changes.\n');
  expect(edited).toMatchObject({ code: 0, stderr: '' });
  expect(edited.stdout).toContain(
    `${fixture.path}/autodev.yaml is not what is committed on main, which this plan is of.`,
  );
  expect(edited.stdout).toContain(`autodev plan ${repoId} --file repo/autodev.yaml`);
  expect(json.stderr).toContain('not what is committed');
  expect(JSON.parse(json.stdout)).toMatchObject({ empty: true });
  expect(named.stdout).toBe('No changes.\n');
});
