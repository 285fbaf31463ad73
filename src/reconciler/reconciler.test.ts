import { expect, vi } from 'vitest';

import { test } from '../../test/database.ts';
import { REPO_CHANNEL } from '../db/repo-sync.ts';
import { createWake } from '../db/wake.ts';
import { systemClock } from '../kernel/clock.ts';
import { silentLog } from '../kernel/log.ts';
import { aborted, runTogether } from '../kernel/service.ts';
import { BASIC, setupReconciler } from './reconciler-fixture.ts';
import { createReconciler } from './reconciler.ts';
import { registerRepo, unregisterRepo } from './register-repo.ts';
import { createRepoWatch } from './watch-repos.ts';

const untilTrue = (look: () => Promise<boolean>): Promise<void> =>
  vi.waitFor(async () => expect(await look()).toBe(true), { timeout: 10_000, interval: 20 });

test('the service applies a commit soon after it is made, long before the poll', async ({ db }) => {
  using repo = await setupReconciler(db);
  using wake = await createWake({ db, clock: systemClock, channel: REPO_CHANNEL });
  const stop = new AbortController();
  const running = runTogether(
    [
      createReconciler({ ...repo.deps, wake }),
      createRepoWatch({ db, log: silentLog, forge: repo.forge, wake }),
    ],
    stop.signal,
  );
  await untilTrue(async () => (await repo.row()).head !== null);

  const commit = repo.commitFile(`${BASIC}  again: { agent: builder, cron: "5 5 * * *" }\n`);
  await untilTrue(async () => (await repo.row()).head === commit);

  expect(await repo.objects()).toContain('schedule/again');
  stop.abort();
  await running;
});

test('watches follow repositories that come and go, as many as allowed', async ({ db }) => {
  using one = await setupReconciler(db);
  using two = await setupReconciler(db);
  using wake = await createWake({ db, clock: systemClock, channel: REPO_CHANNEL });
  const stop = new AbortController();
  const watched = new Set<number>();
  const forge = {
    watch: async (repo: { id: number }, _onChange: () => void, signal: AbortSignal) => {
      watched.add(repo.id);
      await aborted(signal);
      watched.delete(repo.id);
    },
  };
  await unregisterRepo({ db }, two.repoId, { actor: 'ada' });
  const running = createRepoWatch({ db, log: silentLog, forge, wake })(stop.signal);
  await untilTrue(async () => watched.has(one.repoId) && !watched.has(two.repoId));

  await registerRepo({ db, forge: two.forge }, { actor: 'ada', location: two.path });
  await untilTrue(async () => watched.has(two.repoId));
  await unregisterRepo({ db }, one.repoId, { actor: 'ada' });
  wake.poke();
  await untilTrue(async () => !watched.has(one.repoId));

  stop.abort();
  await running;
  expect(watched.size).toBe(0);
});

test('more repositories than watches are left to the poll', async ({ db }) => {
  using one = await setupReconciler(db);
  using wake = await createWake({ db, clock: systemClock, channel: REPO_CHANNEL });
  const stop = new AbortController();
  let most = 0;
  const forge = {
    watch: async (_repo: unknown, _onChange: () => void, signal: AbortSignal) => {
      most += 1;
      await aborted(signal);
    },
  };
  using two = await setupReconciler(db);

  const running = createRepoWatch(
    { db, log: silentLog, forge, wake },
    { maxWatches: 1 },
  )(stop.signal);
  await untilTrue(async () => most > 0);
  wake.poke();
  stop.abort();
  await running;

  expect([one.repoId === two.repoId, most]).toEqual([false, 1]);
});
