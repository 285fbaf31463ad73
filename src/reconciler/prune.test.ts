import { expect } from 'vitest';

import { test } from '../../test/database.ts';
import { sql } from '../db/sql.ts';
import { BASIC, setupReconciler } from './reconciler-fixture.ts';
import { syncRepo } from './sync-repo.ts';

const schedules = Array.from(
  { length: 8 },
  (_, n) => `  nightly-${n}: { agent: bug-finder, cron: "${n} 2 * * *" }\n`,
).join('');
const MANY = `${BASIC}${schedules}`;
/** The schedules are gone and the builder is, too; one is new. */
const CUT = BASIC.replace('  builder: {}\n', '').replace('nightly:', 'renewed:');

async function heldDigest(repo: Awaited<ReturnType<typeof setupReconciler>>): Promise<string> {
  const stalled = (await repo.row()).conditions.find(({ type }) => type === 'Stalled');
  return /--confirm-prune (\w+)/.exec(stalled?.message ?? '')?.[1] ?? '';
}

test('a plan that retires more than half is held until its digest is confirmed', async ({ db }) => {
  using repo = await setupReconciler(db, MANY);
  await repo.pass();
  repo.commitFile(CUT);

  await repo.pass();

  expect(await repo.condition('Stalled')).toBe('True PruneNeedsConfirmation');
  expect(await repo.objects()).toContain('schedule/nightly-7');
  expect(await repo.objects()).toContain('schedule/renewed');
  // Nobody works for an agent that the file dropped, confirmed or not.
  expect(await repo.holds()).toEqual({ 3: 'disabled', 8: null });

  const digest = await heldDigest(repo);
  await syncRepo({ db }, repo.repoId, { actor: 'ada', confirmPrune: digest });
  await repo.pass();

  expect(await repo.condition('Ready')).toBe('True Applied');
  expect(await repo.objects()).not.toContain('schedule/nightly-7');
  expect(await repo.holds()).toEqual({ 3: 'removed', 8: null });
  const [row] = await db.query<{ confirmed_prune: string | null }>(
    sql`select confirmed_prune from repo_sync where repo_id = ${repo.repoId}`,
  );
  expect(row?.confirmed_prune).toBeNull();
});

test('a confirmation of one plan does not confirm another', async ({ db }) => {
  using repo = await setupReconciler(db, MANY);
  await repo.pass();
  repo.commitFile(CUT);
  await repo.pass();
  await syncRepo({ db }, repo.repoId, { actor: 'ada', confirmPrune: await heldDigest(repo) });
  repo.commitFile(`${CUT}  nightly-0: { agent: bug-finder, cron: "0 2 * * *" }\n`);

  await repo.pass();

  expect(await repo.condition('Stalled')).toBe('True PruneNeedsConfirmation');
});

test('half a digest is no confirmation', async ({ db }) => {
  using repo = await setupReconciler(db);

  await expect(
    syncRepo({ db }, repo.repoId, { actor: 'ada', confirmPrune: '' }),
  ).rejects.toMatchObject({ code: 'INVALID_REQUEST' });
});
