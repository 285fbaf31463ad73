import { fork } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';

import type { Queryable } from '../src/db/db.ts';
import { sql } from '../src/db/sql.ts';
import { systemClock } from '../src/kernel/clock.ts';
import type { RivalOrder, RivalReport } from './queue-rival.ts';

interface Outcome extends RivalReport {
  /** How often the limits were looked at while the rivals ran, and how often one was passed. */
  samples: number;
  overLimit: number;
  /** From the moment that all were ready until they had finished. */
  seconds: number;
}

/**
 * Starts processes that compete for the queue, lets them for `wildMs`, then asks them to finish what there is.
 * Meanwhile it watches that no lane and no repository runs more than it may.
 */
export async function compete(
  db: Queryable,
  orders: readonly RivalOrder[],
  { wildMs }: { wildMs: number },
): Promise<Outcome> {
  const children = orders.map((order) =>
    fork(path.join(import.meta.dirname, 'queue-rival.ts'), [JSON.stringify(order)]),
  );
  try {
    return await watchThem(db, children, wildMs);
  } finally {
    children.forEach((child) => child.kill());
  }
}

async function watchThem(
  db: Queryable,
  children: readonly Child[],
  wildMs: number,
): Promise<Outcome> {
  await Promise.all(children.map(nextMessage));
  const startedAt = performance.now();
  const watch = new AbortController();
  const watching = watchLimits(db, watch.signal);
  const all = await goThrough(children, wildMs).finally(() => watch.abort());
  const { samples, overLimit } = await watching;

  return {
    claims: all.flatMap((report) => report.claims),
    finished: all.flatMap((report) => report.finished),
    staleAccepted: sum(all.map((report) => report.staleAccepted)),
    deadlocks: sum(all.map((report) => report.deadlocks)),
    drift: sum(all.map((report) => report.drift)),
    samples,
    overLimit,
    seconds: (performance.now() - startedAt) / 1_000,
  };
}

type Child = ReturnType<typeof fork>;

async function goThrough(children: readonly Child[], wildMs: number): Promise<RivalReport[]> {
  await systemClock.sleep(wildMs, new AbortController().signal);
  await Promise.all(children.map((child) => ask(child, 'calm')));
  return Promise.all(
    children.map(async (child) => {
      const exited = once(child, 'exit');
      const report: RivalReport = await ask(child, 'finish');
      await exited;
      return report;
    }),
  );
}

/** Sends a message and returns the next one that comes back. */
function ask(child: Child, message: string) {
  const answer = nextMessage(child);
  child.send(message);
  return answer;
}

async function nextMessage(child: Child) {
  const [message] = await Promise.race([
    once(child, 'message'),
    once(child, 'exit').then(([code]) => {
      throw new Error(`a rival ended with ${String(code)} before it answered`);
    }),
  ]);
  return message;
}

async function watchLimits(
  db: Queryable,
  signal: AbortSignal,
): Promise<{ samples: number; overLimit: number }> {
  let [samples, overLimit] = [0, 0];
  while (!signal.aborted) {
    samples += 1;
    overLimit += await countOverLimit(db);
    await systemClock.sleep(25, signal);
  }
  return { samples, overLimit };
}

/** By the jobs themselves, not by the counters. */
async function countOverLimit(db: Queryable): Promise<number> {
  const [row] = await db.query<{ n: number }>(sql`
    with running as materialized (select repo_id, agent from job where state = 1)
    select (
      (select count(*) from (select repo_id, agent, count(*) as n from running group by 1, 2) q
        join lane l using (repo_id, agent) where q.n > l.max_running)
      + (select count(*) from (select repo_id, count(*) as n from running group by 1) q
        join repo_slot s using (repo_id) where q.n > s.max_running)
    )::int as n
  `);
  return row?.n ?? 0;
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, n) => total + n, 0);
}
