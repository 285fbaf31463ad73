import { expect } from 'vitest';

import { test } from '../../test/database.ts';
import type { RivalOrder } from '../../test/queue-rival.ts';
import { compete } from '../../test/queue-rivals.ts';
import { counterDrift, newJob, resetQueue } from '../../test/queue.ts';
import { insertJobs } from './enqueue.ts';
import { sql } from './sql.ts';

const REPOS = 20;

test('processes that claim, end, enqueue, cancel, pause, crash and reap at once never collide', async ({
  db,
  connection,
}) => {
  await resetQueue(db, { repos: REPOS, laneLimit: 3, repoLimit: 7 });
  await insertJobs(
    db,
    Array.from({ length: 600 }, (_, i) => newJob({ repoId: 1 + (i % REPOS) })),
  );
  const rival = (name: string, ...roles: RivalOrder['roles']): RivalOrder => ({
    connection,
    name,
    roles,
    repos: REPOS,
    wild: true,
  });

  const outcome = await compete(
    db,
    [
      rival('a', 'runner', 'runner', 'runner'),
      rival('b', 'runner', 'runner', 'runner'),
      rival('c', 'enqueuer', 'canceller', 'runner'),
      rival('d', 'reaper', 'enqueuer', 'canceller'),
    ],
    { wildMs: 3_000 },
  );

  const { claims, finished } = outcome;
  expect(outcome).toMatchObject({ staleAccepted: 0, deadlocks: 0, drift: 0, overLimit: 0 });
  expect(claims.length).toBeGreaterThan(1_000);
  expect(new Set(claims).size).toBe(claims.length);
  expect(new Set(finished).size).toBe(finished.length);
  const [done] = await db.query<{
    left: number;
    succeeded: number;
    cancelled: number;
    made: number;
  }>(sql`
    select (select count(*) from job) as left, (select last_value from job_id_seq) as made,
      count(*) filter (where state = 10) as succeeded, count(*) filter (where state = 12) as cancelled
    from job_done
  `);
  expect(done?.left).toBe(0);
  expect(done?.succeeded).toBe(finished.length);
  expect(done?.cancelled).toBeGreaterThan(0);
  expect(await counterDrift(db)).toBe(0);
});
