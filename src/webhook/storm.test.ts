import { expect } from 'vitest';

import { test } from '../../test/database.ts';
import { sql } from '../db/sql.ts';
import { createWake } from '../db/wake.ts';
import { systemClock } from '../kernel/clock.ts';
import { runTogether } from '../kernel/service.ts';
import { setupReconciler } from '../reconciler/reconciler-fixture.ts';
import { createReconciler } from '../reconciler/reconciler.ts';
import { payloads, webhookFixture } from './webhook-fixture.ts';

const EVENTS = 10_000;
const AT_ONCE = 100;

test('ten thousand events of one repository cause two reconciles at most, and few looks', async ({
  db,
}) => {
  await using hooks = await webhookFixture(db);
  using reconciler = await setupReconciler(db);
  await reconciler.pass();
  // The reconciler reads a real repository; hooks know it as GitLab's project 15.
  await db.query(sql`update repo set forge = 'gitlab', location = '15'`);
  const { path: location } = reconciler;
  let [looks, reconciles] = [0, 0];
  const { forge } = reconciler.deps;
  const deps = {
    ...reconciler.deps,
    forge: {
      ...forge,
      readHeads: (repos: Parameters<typeof forge.readHeads>[0], signal: AbortSignal) => {
        looks += repos.length;
        return forge.readHeads(
          repos.map((repo) => ({ ...repo, location })),
          signal,
        );
      },
      readCommit: (...[repo, ...rest]: Parameters<typeof forge.readCommit>) => {
        reconciles += 1;
        return forge.readCommit({ ...repo, location }, ...rest);
      },
      readFile: (...[repo, ...rest]: Parameters<typeof forge.readFile>) =>
        forge.readFile({ ...repo, location }, ...rest),
    },
  };
  const head = reconciler.commit({ 'src/add.ts': 'one\n' });
  using wake = await createWake({ db, clock: systemClock, channel: 'repo' });
  const stop = new AbortController();
  const running = runTogether([createReconciler({ ...deps, wake })], stop.signal);

  const started = systemClock.now().getTime();
  let sent = 0;
  const refused: number[] = [];
  const sender = async (): Promise<void> => {
    while (sent < EVENTS) {
      sent += 1;
      // A server that sends what it has kept back: pushes of now and of long ago.
      const after = sent % 3 === 0 ? head : String(sent).padStart(40, '0');
      const { statusCode } = await hooks.send(payloads.push({ after }));
      if (statusCode !== 200) {
        refused.push(statusCode);
      }
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, sender));
  const seconds = (systemClock.now().getTime() - started) / 1000;
  await expect
    .poll(() => reconciler.row(), { timeout: 30_000, interval: 50 })
    .toMatchObject({ head });
  stop.abort();
  await running;

  expect(refused).toEqual([]);
  expect(reconciles).toBeGreaterThanOrEqual(1);
  expect(reconciles).toBeLessThanOrEqual(2);
  expect(looks).toBeLessThanOrEqual(seconds + 3);
  expect(await hooks.hints(reconciler.repoId)).toEqual(['ref:refs/heads/main']);
  expect(await hooks.counts()).toEqual({ stored: EVENTS });
});
