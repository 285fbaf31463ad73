import { spawnSync } from 'node:child_process';

import { expect } from 'vitest';

import { test } from '../../test/database.ts';
import type { Db } from '../db/db.ts';
import { listEffects } from '../db/effects.ts';
import { systemClock } from '../kernel/clock.ts';
import { AppError } from '../kernel/errors.ts';
import { openRunnerFixture, type RunnerFixture } from './runner-fixture.ts';

const never = new AbortController().signal;

/** The database, as a runner sees it that can be cut off from it. */
function breakable(db: Db): Db & { down: boolean; refused: number } {
  const refuse = (): Promise<never> => {
    broken.refused += 1;
    return Promise.reject(new AppError('DATABASE_UNAVAILABLE', 'the database cannot be reached'));
  };
  const broken = {
    down: false,
    refused: 0,
    query: <Row>(query: Parameters<Db['query']>[0]): Promise<Row[]> =>
      broken.down ? refuse() : db.query<Row>(query),
    transaction: <T>(work: Parameters<typeof db.transaction<T>>[0]): Promise<T> =>
      broken.down ? refuse() : db.transaction(work),
    listen: (...args: Parameters<Db['listen']>) => db.listen(...args),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
  return broken;
}

async function untilSaid(s: RunnerFixture, id: number, text: string): Promise<void> {
  while (!(await s.transcript(id)).includes(text)) {
    await systemClock.sleep(20, never);
  }
}

function isAlive(mark: string): boolean {
  return spawnSync('pgrep', ['-f', `sleep ${mark}`]).status === 0;
}

test('a result that was made while the database was away is written when it is back, once', async ({
  db,
}) => {
  await using s = await openRunnerFixture(db);
  const cut = breakable(db);
  const mark = `1.00${process.pid}`;
  await s.apply({
    builder: {
      worker: `echo begun; sleep ${mark}; echo finished
        echo '{"type":"issue","title":"Seen","description":"x"}' >> "$AUTODEV_OUTPUTS"`,
    },
  });
  const id = await s.queue();
  const runner = s.start({ db: cut });
  await untilSaid(s, id, 'begun');

  cut.down = true;
  while (isAlive(mark)) {
    await systemClock.sleep(20, never);
  }
  const { refused } = cut;
  while (cut.refused < refused + 4) {
    await systemClock.sleep(20, never);
  }
  const meanwhile = await s.until(id, 'running');
  cut.down = false;
  const job = await s.until(id, 'publishing', 'failed', 'waiting');
  await runner.stop();

  expect(meanwhile.attempts).toBe(1);
  expect([job.state, job.reason]).toEqual(['publishing', 'succeeded']);
  expect(await listEffects(db, id)).toHaveLength(1);
  expect(await s.transcript(id)).toContain('finished');
});

test('a runner that hears nothing from the database ends its workers before its lease is over', async ({
  db,
}) => {
  await using s = await openRunnerFixture(db);
  const cut = breakable(db);
  const mark = `1005.${process.pid}`;
  await s.apply({ builder: { worker: `echo begun; sleep ${mark}`, limits: { attempts: 2 } } });
  const id = await s.queue();
  const runner = s.start({
    db: cut,
    times: { leaseMs: 2500, heartbeatMs: 200, marginMs: 1000 },
  });
  await untilSaid(s, id, 'begun');

  cut.down = true;
  const from = systemClock.now().getTime();
  while (isAlive(mark)) {
    await systemClock.sleep(50, never);
  }
  const afterMs = systemClock.now().getTime() - from;
  const untouched = await s.until(id, 'running');
  cut.down = false;
  const again = await s.until(id, 'running', 'queued');
  await runner.stop();

  expect(afterMs).toBeLessThan(2500 + 200);
  expect(untouched.attempts).toBe(1);
  expect(again.id).toBe(id);
});

test('a stop ends in time although the database is away; the next start takes the jobs back', async ({
  db,
}) => {
  await using s = await openRunnerFixture(db);
  const cut = breakable(db);
  const mark = `1006.${process.pid}`;
  await s.apply({ builder: { worker: `echo begun; sleep ${mark}`, limits: { attempts: 2 } } });
  const id = await s.queue();
  const runner = s.start({ db: cut });
  await untilSaid(s, id, 'begun');

  cut.down = true;
  const from = systemClock.now().getTime();
  await runner.stop();
  const tookMs = systemClock.now().getTime() - from;
  const second = s.start();
  const job = await s.until(id, 'queued', 'running');
  while ((await s.until(id, 'queued', 'running')).attempts < 2) {
    await systemClock.sleep(20, never);
  }
  await second.stop();

  expect(tookMs).toBeLessThan(5000);
  expect(job.id).toBe(id);
});
