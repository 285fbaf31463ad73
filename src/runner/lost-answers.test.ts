import { expect } from 'vitest';

import { test } from '../../test/database.ts';
import { counterDrift } from '../../test/queue.ts';
import { cancelJob } from '../db/controls.ts';
import type { Db } from '../db/db.ts';
import { registerRunner } from '../db/runners.ts';
import { sql } from '../db/sql.ts';
import { systemClock } from '../kernel/clock.ts';
import { AppError } from '../kernel/errors.ts';
import { silentLog } from '../kernel/log.ts';
import { holdLease } from './lease.ts';
import { openRunnerFixture } from './runner-fixture.ts';

const never = new AbortController().signal;
const NOOP = `echo '{"type":"noop","reason":"Done."}' >> "$AUTODEV_OUTPUTS"`;

async function registered(db: Db, leaseMs: number): Promise<{ id: number; epoch: number }> {
  const { id, epoch } = await registerRunner(db, {
    key: 'late',
    agents: [],
    providers: [],
    slots: 1,
    host: 'test',
    pid: process.pid,
    sandbox: { mode: 'auto', protected: true },
    leaseMs,
  });
  return { id, epoch };
}

test('a claim that was committed and never answered does not keep its jobs running for ever', async ({
  db,
}) => {
  await using s = await openRunnerFixture(db);
  await s.apply({ builder: { worker: NOOP } });
  let swallowed = 0;
  const forgetful: Db = {
    query: (query) => db.query(query),
    listen: (...args) => db.listen(...args),
    transaction: async (work) => {
      const answer = await db.transaction(work);
      const claimed = await db.query(sql`select 1 from job where state = 1`);
      if (claimed.length > 0 && swallowed === 0) {
        swallowed += 1;
        throw new AppError('DATABASE_UNAVAILABLE', 'the connection ended before the answer came');
      }
      return answer;
    },
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
  const id = await s.queue();
  const runner = s.start({ db: forgetful });

  const job = await s.until(id, 'succeeded', 'failed', 'waiting');
  await runner.stop();

  expect(swallowed).toBe(1);
  expect([job.state, job.attempts, job.uncounted]).toEqual(['succeeded', 2, 1]);
  expect(await db.query(sql`select 1 from attempt where ended_at is null`)).toEqual([]);
  expect(await counterDrift(db)).toBe(0);
});

test('a cancel that comes between the claim and its start is not lost', async ({ db }) => {
  await using s = await openRunnerFixture(db);
  await s.apply({ builder: { worker: 'echo begun; sleep 60' } });
  const id = await s.queue();
  let cancelled = false;
  const slow: Db = {
    query: (query) => db.query(query),
    listen: (...args) => db.listen(...args),
    transaction: async (work) => {
      const answer = await db.transaction(work);
      const claimed = await db.query(sql`select 1 from job where state = 1`);
      if (claimed.length > 0 && !cancelled) {
        cancelled = true;
        await db.transaction((tx) => cancelJob(tx, { id, actor: 'ada', reason: 'not needed' }));
        // Two looks of whoever follows the controls.
        await systemClock.sleep(1200, never);
      }
      return answer;
    },
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
  const runner = s.start({ db: slow });

  const job = await s.until(id, 'cancelled', 'failed', 'waiting');
  await runner.stop();

  expect([job.state, job.reason]).toEqual(['cancelled', 'cancelled']);
});

test('a heartbeat that is answered late extends the lease from when it was sent', async ({
  db,
}) => {
  const times = { leaseMs: 1200, heartbeatMs: 100, marginMs: 200 };
  const session = await registered(db, times.leaseMs);
  const stop = new AbortController();
  let beats = 0;
  const late: Db = {
    query: async <Row>(query: Parameters<Db['query']>[0]) => {
      const rows = await db.query<Row>(query);
      beats += 1;
      await systemClock.sleep(beats === 1 ? 800 : 60_000, stop.signal);
      return rows;
    },
    transaction: (work) => db.transaction(work),
    listen: (...args) => db.listen(...args),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };

  const from = performance.now();
  await holdLease({ db: late, clock: systemClock, log: silentLog }, session, times, stop.signal);
  const heldMs = performance.now() - from;
  stop.abort();

  // Sent after 100 ms and good for 1000 ms from then; counted from its answer it would be 1900 ms.
  expect(heldMs).toBeGreaterThan(1000);
  expect(heldMs).toBeLessThan(1500);
});

test('a runner that fails lets go of its lease: nobody keeps it alive', async ({ db }) => {
  await using s = await openRunnerFixture(db);
  await s.apply({ builder: { worker: NOOP } });
  let beats = 0;
  const asked = Promise.withResolvers<void>();
  const buggy: Db = {
    query: (query) => {
      if (query.text.includes('control_ack')) {
        asked.resolve();
        return Promise.reject(new Error('a bug'));
      }
      beats += query.text.includes('heartbeat_at = now()') ? 1 : 0;
      return db.query(query);
    },
    transaction: (work) => db.transaction(work),
    listen: (...args) => db.listen(...args),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
  const times = { leaseMs: 2000, heartbeatMs: 50, marginMs: 500 };
  const runner = s.start({ db: buggy, times });

  await asked.promise;
  await expect(runner.stop()).rejects.toThrow('a bug');
  const before = beats;
  await systemClock.sleep(300, never);

  expect(beats).toBe(before);
});

test('a piece of a transcript whose answer was lost costs none of those after it', async ({
  db,
}) => {
  await using s = await openRunnerFixture(db);
  await s.apply({ builder: { worker: `echo first; sleep 1; echo second; ${NOOP}` } });
  let swallowed = 0;
  const forgetful: Db = {
    query: async <Row>(query: Parameters<Db['query']>[0]) => {
      const rows = await db.query<Row>(query);
      if (query.text.includes('into transcript') && swallowed === 0) {
        swallowed += 1;
        throw new AppError('DATABASE_UNAVAILABLE', 'the connection ended before the answer came');
      }
      return rows;
    },
    transaction: (work) => db.transaction(work),
    listen: (...args) => db.listen(...args),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
  const id = await s.queue();
  const runner = s.start({ db: forgetful });

  await s.until(id, 'succeeded', 'failed', 'waiting');
  await runner.stop();

  expect(swallowed).toBe(1);
  expect(await s.transcript(id)).toMatch(/first[^]*second/);
});
