import { chmodSync, renameSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';

import { expect } from 'vitest';

import { test } from '../../test/database.ts';
import { sql } from '../db/sql.ts';
import { BASIC, FILE, setupReconciler } from './reconciler-fixture.ts';

test('the first file is applied whole', async ({ db }) => {
  using repo = await setupReconciler(db);

  await repo.pass();

  expect(await repo.objects()).toEqual([
    'agent/bug-finder',
    'agent/builder',
    'approval/default',
    'budget/daily',
    'budget/monthly',
    'repo/repo',
    'schedule/nightly',
  ]);
  expect(await repo.holds()).toEqual({ 3: null, 8: null });
  expect(await repo.condition('Ready')).toBe('True Applied');
  expect((await repo.row()).head).toBe(repo.sh(['rev-parse', 'main']));
});

test('the same file again writes nothing', async ({ db }) => {
  using repo = await setupReconciler(db);
  await repo.pass();
  const before = await snapshot(db, repo.repoId);

  await repo.pass();
  await repo.sync();

  expect(await snapshot(db, repo.repoId)).toEqual(before);
});

test('a commit that touches other files moves the head and parses nothing', async ({ db }) => {
  using repo = await setupReconciler(db);
  await repo.pass();
  const before = await snapshot(db, repo.repoId);
  const commit = repo.commit({ 'src/add.ts': 'export const two = 2;\n' });

  await repo.pass({ load: () => Promise.reject(new Error('must not be loaded')) });

  expect(await snapshot(db, repo.repoId)).toEqual({ ...before, events: before.events + 1 });
  expect((await repo.row()).head).toBe(commit);
  const ready = (await repo.row()).conditions.find(({ type }) => type === 'ConfigValid');
  expect(ready?.observedRevision).toBe(commit);
});

test('a comment advances the commit and changes no object', async ({ db }) => {
  using repo = await setupReconciler(db);
  await repo.pass();
  const before = await snapshot(db, repo.repoId);
  const commit = repo.commitFile(`${BASIC}# a remark\n`);

  await repo.pass();

  const after = await snapshot(db, repo.repoId);
  expect(after.objects).toEqual(before.objects);
  expect(after.audits).toBe(before.audits);
  expect(after.inForce).toBe(commit);
});

test('a line that moves is followed without a new revision of the object', async ({ db }) => {
  using repo = await setupReconciler(db);
  await repo.pass();
  const [before] = await scheduleObject(db, repo.repoId);
  repo.commitFile(`# one more line\n${BASIC}`);

  await repo.pass();

  const [after] = await scheduleObject(db, repo.repoId);
  expect(after).toEqual({ ...before, line: 7 });
});

test('only what changed is written, and a changed schedule begins now', async ({ db }) => {
  using repo = await setupReconciler(db);
  await repo.pass();
  repo.commitFile(BASIC.replace('30 2 * * *', '0 4 * * *'));

  await repo.pass();

  const rows = await db.query<{ kind: string }>(sql`
    select kind from config_object c join repo_sync s using (repo_id)
    where repo_id = ${repo.repoId} and c.revision_id = s.revision_id
  `);
  expect(rows).toEqual([{ kind: 'schedule' }]);
  const [schedule] = await db.query<{ hour: number }>(
    sql`select extract(hour from next_at at time zone 'UTC')::int as hour from schedule where repo_id = ${repo.repoId}`,
  );
  expect(schedule?.hour).toBe(4);
});

test('a broken file keeps the last good one and says where it is broken', async ({ db }) => {
  using repo = await setupReconciler(db);
  await repo.pass();
  const objects = await repo.objects();
  repo.commitFile(BASIC.replace('bug-finder: {}', 'bug-finder: { enabled: perhaps }'));

  await repo.pass();

  expect(await repo.objects()).toEqual(objects);
  expect(await repo.condition('Ready')).toBe('False Stalled');
  expect(await repo.condition('ConfigValid')).toBe('False SchemaError');
  expect((await repo.row()).diagnostics[0]).toMatchObject({ line: 3, column: 26 });

  repo.commitFile(BASIC);
  await repo.pass();

  expect(await repo.condition('Ready')).toBe('True Applied');
  const { diagnostics } = await repo.row();
  expect(diagnostics.filter(({ code }) => code !== 'not_yet_effective')).toEqual([]);
});

test('a missing file is believed at the second read, and suspends without purging', async ({
  db,
}) => {
  using repo = await setupReconciler(db);
  await repo.pass();
  const objects = await repo.objects();
  repo.sh(['rm', '--quiet', FILE]);
  repo.commit({});

  await repo.pass();
  expect(await repo.condition('SourceReady')).toBe('True Fetched');
  expect((await repo.row()).suspended).toBeNull();
  expect((await repo.row()).wait).toBeLessThan(2_000);

  await repo.pass();
  expect(await repo.condition('Stalled')).toBe('True ConfigNotFound');
  expect(await repo.holds()).toEqual({ 3: 'suspended', 8: 'suspended' });
  expect(await repo.objects()).toEqual(objects);
});

test('a file that comes back unchanged lifts the suspension', async ({ db }) => {
  using repo = await setupReconciler(db);
  await repo.pass();
  repo.sh(['rm', '--quiet', FILE]);
  repo.commit({});
  await repo.pass();
  await repo.pass();
  repo.commitFile(BASIC);

  await repo.pass();

  expect(await repo.holds()).toEqual({ 3: null, 8: null });
  expect((await repo.row()).suspended).toBeNull();
  expect(await repo.condition('Ready')).toBe('True Applied');
});

test('a repository that never had a file is not ready', async ({ db }) => {
  using repo = await setupReconciler(db, '');

  await repo.pass();
  expect(await repo.condition('Ready')).toBe('Unknown Progressing');

  await repo.pass();
  expect(await repo.condition('Ready')).toBe('False Stalled');
});

test('a source that cannot be read prunes nothing, is asked again later, and recovers', async ({
  db,
}) => {
  using repo = await setupReconciler(db);
  await repo.pass();
  const before = await snapshot(db, repo.repoId);
  const away = `${repo.path}-away`;
  renameSync(repo.path, away);

  await repo.pass();
  const first = await repo.row();
  await repo.pass();
  const second = await repo.row();

  expect(await repo.condition('SourceReady')).toBe('False Unreachable');
  expect(await repo.condition('Ready')).toBe('True Applied');
  expect(await snapshot(db, repo.repoId)).toEqual(before);
  expect([first.failures, second.failures]).toEqual([1, 2]);
  expect(second.wait).toBeGreaterThan(first.wait);

  renameSync(away, repo.path);
  await repo.pass();
  expect(await repo.condition('SourceReady')).toBe('True Fetched');
  expect((await repo.row()).failures).toBe(0);
});

test('a repository that could never be read is not said to be ready', async ({ db }) => {
  using repo = await setupReconciler(db);
  rmSync(join(repo.path, '.git/HEAD'));

  await repo.pass();

  expect(await repo.condition('Ready')).toBe('Unknown SourceStale');
});

test.for([
  ['an executable', 'not_a_regular_file', (path: string) => chmodSync(path, 0o755)],
  [
    'a link',
    'not_a_regular_file',
    (path: string) => {
      rmSync(path);
      symlinkSync('README.md', path);
    },
  ],
] as const)('%s is not read as a file', async ([, code, spoil], { db }) => {
  using repo = await setupReconciler(db);
  await repo.pass();
  spoil(join(repo.path, FILE));
  repo.commit({});

  await repo.pass();

  expect((await repo.row()).diagnostics).toMatchObject([{ code }]);
  expect(await repo.condition('Stalled')).toBe('True ConfigInvalid');
});

test('a file of 300 KiB is refused unread', async ({ db }) => {
  using repo = await setupReconciler(db);
  repo.commitFile(`${BASIC}#${'x'.repeat(300 * 1024)}\n`);

  await repo.pass();

  expect((await repo.row()).diagnostics).toMatchObject([{ code: 'too_large' }]);
});

test.for([
  ['CRLF line ends', BASIC.replaceAll('\n', '\r\n')],
  ['a byte order mark', `\uFEFF${BASIC}`],
])('%s change nothing', async ([, text = ''], { db }) => {
  using repo = await setupReconciler(db, text);

  await repo.pass();

  expect(await repo.condition('Ready')).toBe('True Applied');
});

test.for([
  ['a NUL byte', `${BASIC}# \0\n`],
  ['an escaped NUL', BASIC.replace('agent: bug-finder,', 'agent: bug-finder, task: "a\\0b",')],
  ['half a character', BASIC.replace('agent: bug-finder,', 'agent: bug-finder, task: "a\\uD800",')],
])('%s makes the file invalid and nothing else', async ([, text = ''], { db }) => {
  using repo = await setupReconciler(db, text);

  await repo.pass();

  expect(await repo.condition('Ready')).toBe('False Stalled');
});

test('instructions in a file of their own are part of what is compared', async ({ db }) => {
  const text = BASIC.replace('builder: {}', 'builder: { instructions: { file: build.md } }');
  using repo = await setupReconciler(db, BASIC);
  repo.commitFile(text, { 'build.md': 'Be brief.' });
  await repo.pass();
  const before = await snapshot(db, repo.repoId);
  const commit = repo.commit({ 'build.md': 'Be thorough.' });

  await repo.pass();

  const after = await snapshot(db, repo.repoId);
  expect(after.inForce).toBe(commit);
  expect(after.revisions).toBe(before.revisions + 1);
});

async function snapshot(db: Parameters<typeof setupReconciler>[0], repoId: number) {
  const objects = await db.query(
    sql`select c.*, c.xmin::text as version from config_object c where repo_id = ${repoId} order by kind, name`,
  );
  const lanes = await db.query(
    sql`select l.*, l.xmin::text as version from lane l where repo_id = ${repoId} order by agent`,
  );
  const schedules = await db.query(
    sql`select s.*, s.xmin::text as version from schedule s where repo_id = ${repoId} order by name`,
  );
  const [counts] = await db.query<{
    revisions: number;
    events: number;
    audits: number;
    inForce: string | null;
  }>(sql`
    select (select count(*)::int from revision where repo_id = ${repoId}) as revisions,
      (select count(*)::int from event where repo_id = ${repoId}) as events,
      (select count(*)::int from audit where repo_id = ${repoId}) as audits,
      (select r.commit from repo_sync s join revision r on r.id = s.revision_id where s.repo_id = ${repoId}) as "inForce"
  `);
  if (!counts) {
    throw new Error('counting answers a row');
  }
  return { objects, lanes, schedules, ...counts };
}

function scheduleObject(db: Parameters<typeof setupReconciler>[0], repoId: number) {
  return db.query<{ line: number; revision_id: number }>(
    sql`select line, revision_id from config_object where repo_id = ${repoId} and kind = 'schedule'`,
  );
}
