import { expect } from 'vitest';

import { test } from '../../test/database.ts';
import { loadConfig } from '../config/load.ts';
import type { Db } from '../db/db.ts';
import { findOnboarding } from '../db/onboardings.ts';
import { findRevisionInForce } from '../db/revisions.ts';
import { sql } from '../db/sql.ts';
import { configReview, FILE } from './config-review-fixture.ts';
import { offerOnboarding, onboardDue } from './onboard.ts';
import { FIRST_FILE } from './onboarding-text.ts';

/** A repository without a file, and an offer that was asked for and opened. */
async function offered(db: Db) {
  const shop = await configReview(db, { file: '' });
  const onboard = async (): Promise<void> => {
    await db.query(sql`update onboarding set due_at = now()`);
    await onboardDue(shop.deps, shop.signal);
    await shop.plan();
    await shop.publish();
  };
  await shop.reconcile();
  await offerOnboarding(shop.deps, shop.repoId, { actor: 'olga' });
  await onboard();
  await onboard();
  const [request, ...others] = shop.gitlab.state.mergeRequests;
  if (!request || others.length > 0) {
    throw new Error('one merge request was to be opened');
  }
  return { shop, onboard, request, [Symbol.asyncDispose]: () => shop[Symbol.asyncDispose]() };
}

test('the file that is offered is valid', async () => {
  const loaded = await loadConfig(Buffer.from(FIRST_FILE), {
    readFile: () => Promise.resolve(undefined),
  });

  expect(loaded.ok).toBe(true);
  expect(loaded.diagnostics.filter(({ severity }) => severity === 'error')).toEqual([]);
});

test('an offer explains itself, has the plan of its file, and follows what people make of it', async ({
  db,
}) => {
  await using offer = await offered(db);
  const { shop, request } = offer;
  const first = shop.notes(request);

  await shop.gitlab.push(shop.project, {
    branch: 'autodev/onboarding',
    by: shop.alice,
    files: { [FILE]: FIRST_FILE.replace('bug-finder: {}', 'bug-findr: {}') },
  });
  await shop.tell(request);

  expect(request.description).toContain('**Close** this merge request to decline.');
  expect(first).toHaveLength(1);
  expect(first[0]).toMatch(/### Auto-Dev plan: \d+ to add, 0 to change, 0 to remove/u);
  expect(shop.notes(request)).toHaveLength(1);
  expect(shop.notes(request)[0]).toContain('the configuration is invalid');
});

test('merging activates', async ({ db }) => {
  await using offer = await offered(db);
  const { shop, request, onboard } = offer;

  await shop.gitlab.as(shop.alice).merge(request);
  await shop.reconcile();
  await onboard();

  expect((await findRevisionInForce(db, shop.repoId))?.spec.budgets['daily']?.microUsd).toBe(
    5_000_000,
  );
  expect(await findOnboarding(db, shop.repoId)).toMatchObject({
    state: 'merged',
    endedBy: 'alice',
  });
});

test('closing declines, which is remembered until a person asks once more', async ({ db }) => {
  await using offer = await offered(db);
  const { shop, request, onboard } = offer;

  await shop.gitlab.as(shop.alice).close(request);
  await onboard();
  await onboard();
  const declined = await findOnboarding(db, shop.repoId);
  const refused = offerOnboarding(shop.deps, shop.repoId, { actor: 'olga' });
  await expect(refused).rejects.toMatchObject({ code: 'CONFLICT' });
  await offerOnboarding(shop.deps, shop.repoId, { actor: 'olga', again: true });
  await onboard();
  await onboard();

  expect(declined).toMatchObject({ state: 'declined', endedBy: 'alice', number: request.iid });
  expect(shop.gitlab.state.mergeRequests.map(({ state }) => state)).toEqual(['closed', 'opened']);
});
