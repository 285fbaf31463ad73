import { expect } from 'vitest';

import { openPool, test } from '../../test/database.ts';
import type { Db, Queryable } from '../db/db.ts';
import type { PostgresDb } from '../db/pool.ts';
import { makeDue, markDirty } from '../db/repo-sync.ts';
import type { Sql } from '../db/sql.ts';
import { sql } from '../db/sql.ts';
import { AppError } from '../kernel/errors.ts';
import { BASIC, setupReconciler } from './reconciler-fixture.ts';
import { reconcileDue } from './reconciler.ts';

const CHANGED = BASIC.replace('30 2', '45 3');

test('who loses the lease in the middle writes nothing', async ({ db }) => {
  using repo = await setupReconciler(db);
  await repo.pass();
  const head = (await repo.row()).head;
  repo.commitFile(CHANGED);

  await repo.pass({
    load: async (...args) => {
      await db.query(sql`
        update repo_sync set epoch = epoch + 1, lease_owner = 'another', lease_until = now() + interval '1 minute'
        where repo_id = ${repo.repoId}
      `);
      return repo.deps.load(...args);
    },
  });

  expect((await repo.row()).head).toBe(head);
  expect(await repo.count('revision')).toBe(1);
  const [lease] = await db.query(
    sql`select lease_owner from repo_sync where repo_id = ${repo.repoId}`,
  );
  expect(lease).toEqual({ lease_owner: 'another' });
});

test('a repository that somebody else holds is due when that ends', async ({ db }) => {
  using repo = await setupReconciler(db);
  await db.query(sql`
    update repo_sync set lease_owner = 'another', lease_until = now() + interval '30 seconds'
    where repo_id = ${repo.repoId}
  `);

  await repo.pass();

  const { wait, head } = await repo.row();
  expect(head).toBeNull();
  expect(wait).toBeGreaterThan(20_000);
  expect(wait).toBeLessThan(31_000);
});

test('an owner that was killed takes its own lease over', async ({ db }) => {
  using repo = await setupReconciler(db);
  await db.query(sql`
    update repo_sync set lease_owner = ${repo.deps.owner}, lease_until = now() + interval '1 minute'
    where repo_id = ${repo.repoId}
  `);

  await repo.pass();

  expect(await repo.condition('Ready')).toBe('True Applied');
});

test('an older head is not applied over a newer one', async ({ db }) => {
  using repo = await setupReconciler(db);
  await repo.pass();
  repo.commitFile(CHANGED);
  const { forge } = repo;

  await repo.pass({
    owner: 'slow',
    forge: {
      ...forge,
      readHeads: async (repos, signal) => {
        const heads = await forge.readHeads(repos, signal);
        repo.commitFile(`${CHANGED}  second: { agent: bug-finder, cron: "0 5 * * *" }\n`);
        await makeDue(db, [repo.repoId]);
        await reconcileDue(repo.deps, signal);
        return heads;
      },
    },
  });

  expect(await repo.objects()).toContain('schedule/second');
  expect((await repo.row()).wait).toBeLessThanOrEqual(0);
});

test('two reconcilers at once apply each commit once', async ({ db, connection }) => {
  using repo = await setupReconciler(db);
  await using other = await openPool(connection);
  const rival = { ...repo.deps, db: other, owner: 'rival' };

  for (let n = 0; n < 10; n += 1) {
    repo.commitFile(BASIC.replace('30 2', `${n} 2`));
    await makeDue(db, [repo.repoId]);
    await Promise.all([
      reconcileDue(repo.deps, repo.signal),
      reconcileDue(rival, repo.signal),
      makeDue(other, [repo.repoId]).then(() => reconcileDue(rival, repo.signal)),
    ]);
    await repo.pass();
  }

  expect(await repo.count('revision')).toBe(10);
  const events = await db.query<{ type: string; n: number }>(
    sql`select type, count(*)::int as n from event where repo_id = ${repo.repoId} group by type order by type`,
  );
  expect(events).toEqual([
    { type: 'first_start', n: 1 },
    { type: 'push', n: 10 },
  ]);
});

test('ten thousand marks are at most two reconciles', async ({ db }) => {
  using repo = await setupReconciler(db);
  await repo.pass();
  let looks = 0;
  const deps = {
    ...repo.deps,
    forge: {
      ...repo.forge,
      readCommit: async (...args: Parameters<typeof repo.forge.readCommit>) => {
        looks += 1;
        return repo.forge.readCommit(...args);
      },
    },
  };
  let left = 10_000;
  const marks = Array.from({ length: 5 }, async () => {
    while (left > 0) {
      left -= 1;
      await markDirty(db, [repo.repoId], { priority: 1 });
    }
  });
  await Promise.all(marks);

  while ((await repo.row()).wait <= 0) {
    await reconcileDue(deps, repo.signal);
  }

  expect(looks).toBeGreaterThan(0);
  expect(looks).toBeLessThanOrEqual(2);
  expect((await repo.row()).dirty).toBe(false);
});

test('a mark that comes during a look is answered by the next one', async ({ db }) => {
  using repo = await setupReconciler(db);

  await repo.pass({
    load: async (...args) => {
      await markDirty(db, [repo.repoId], { priority: 1 });
      return repo.deps.load(...args);
    },
  });

  expect(await repo.row()).toMatchObject({ dirty: true });
  expect((await repo.row()).wait).toBeLessThanOrEqual(0);
  await repo.pass();
  expect(await repo.row()).toMatchObject({ dirty: false });
});

test('killed before any statement, the old state stands whole, and the next pass completes it', async ({
  db,
}) => {
  using repo = await setupReconciler(db);
  await repo.pass();
  const whole = async (): Promise<string> => {
    const [row] = await db.query<{ text: string }>(sql`
      select jsonb_build_object(
        'objects', (select jsonb_agg(c order by kind, name) from config_object c where repo_id = ${repo.repoId}),
        'schedules', (select jsonb_agg(s order by name) from schedule s where repo_id = ${repo.repoId}),
        'lanes', (select jsonb_agg(l order by agent) from lane l where repo_id = ${repo.repoId}),
        'revisions', (select count(*) from revision where repo_id = ${repo.repoId}),
        'events', (select count(*) from event where repo_id = ${repo.repoId}),
        'audits', (select count(*) from audit where repo_id = ${repo.repoId}),
        'in force', (select revision_id from repo_sync where repo_id = ${repo.repoId})
      )::text as text
    `);
    return row?.text ?? '';
  };
  const before = await whole();
  repo.commitFile(CHANGED.replace('builder: {}', 'builder: { enabled: false, concurrency: 2 }'));

  let killedAt = 0;
  for (let step = 1; ; step += 1) {
    const failing = failAt(db, step);
    await repo.pass({ db: failing.db }).catch((error: unknown) => {
      expect(error).toMatchObject({ message: 'cut off' });
    });
    if (!failing.failed()) {
      break;
    }
    killedAt = step;
    const state = await whole();
    const done = state !== before;
    // Once the commit is through, only what stops jobs is left, which the next pass does again.
    if (done) {
      expect(await repo.holds()).toEqual({ 3: 'disabled', 8: null });
    } else {
      expect(state).toBe(before);
    }
  }

  expect(killedAt).toBeGreaterThan(7);
  expect(await repo.condition('Ready')).toBe('True Applied');
  expect(await repo.holds()).toEqual({ 3: 'disabled', 8: null });
  expect(await repo.count('revision')).toBe(2);
});

/** A database whose n-th statement of the reconcile's writes fails, as when the process is cut off from it. */
function failAt(db: PostgresDb, step: number): { db: Db; failed: () => boolean } {
  let n = 0;
  let failed = false;
  const wrap = (inner: Queryable): Queryable => ({
    query: <Row>(query: Sql) => {
      n += 1;
      if (n === step + 1) {
        failed = true;
        return Promise.reject(new AppError('CONFLICT', 'cut off'));
      }
      return inner.query<Row>(query);
    },
  });
  return {
    db: {
      ...wrap(db),
      transaction: (work) => db.transaction((tx) => work(wrap(tx))),
      listen: (...args) => db.listen(...args),
      [Symbol.asyncDispose]: () => Promise.resolve(),
    },
    failed: () => failed,
  };
}
