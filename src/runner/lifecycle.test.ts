import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

import { expect } from 'vitest';

import { openPool, test } from '../../test/database.ts';
import { counterDrift } from '../../test/queue.ts';
import { listAttempts } from '../db/attempts.ts';
import { cancelJob } from '../db/controls.ts';
import { listEffects } from '../db/effects.ts';
import { endLostJobs, leaveRunner, listRunners } from '../db/runners.ts';
import { sql } from '../db/sql.ts';
import { systemClock } from '../kernel/clock.ts';
import { silentLog } from '../kernel/log.ts';
import { openRunnerFixture, type RunnerFixture } from './runner-fixture.ts';

const never = new AbortController().signal;

/** A worker that says `begun` and then works until it is ended; its sleep can be found by its argument. */
const longWorker = (mark: string): string => `echo begun; sleep ${mark}`;

async function untilBegun(s: RunnerFixture, id: number): Promise<void> {
  await s.until(id, 'running');
  while (!(await s.transcript(id)).includes('begun')) {
    await systemClock.sleep(20, never);
  }
}

function isAlive(mark: string): boolean {
  return spawnSync('pgrep', ['-f', `sleep ${mark}`]).status === 0;
}

test('a cancel ends the worker within a second, and the job with it', async ({ db }) => {
  await using s = await openRunnerFixture(db);
  const mark = `1001.${process.pid}`;
  await s.apply({ builder: { worker: longWorker(mark) } });
  const id = await s.queue();
  s.start();
  await untilBegun(s, id);

  const from = systemClock.now().getTime();
  await db.transaction((tx) => cancelJob(tx, { id, actor: 'ada', reason: 'not needed' }));
  const job = await s.until(id, 'cancelled', 'failed', 'waiting');
  const tookMs = systemClock.now().getTime() - from;

  expect([job.state, job.reason]).toEqual(['cancelled', 'cancelled']);
  expect(tookMs).toBeLessThan(3000);
  expect(isAlive(mark)).toBe(false);
});

test('a stop hands jobs back uncounted, ends their workers and leaves no workspace', async ({
  db,
}) => {
  await using s = await openRunnerFixture(db);
  const mark = `1002.${process.pid}`;
  await s.apply({ builder: { worker: longWorker(mark) } });
  const id = await s.queue();
  const runner = s.start();
  await untilBegun(s, id);

  await runner.stop();

  const job = await s.until(id, 'queued', 'failed', 'waiting');
  expect([job.state, job.attempts, job.uncounted]).toEqual(['queued', 1, 1]);
  expect(isAlive(mark)).toBe(false);
  expect(readdirSync(join(s.deps.folder, 'workspaces'))).toEqual([]);
  expect(await listRunners(db)).toEqual([]);
  expect(await counterDrift(db)).toBe(0);
});

test('a second process on the folder of a runner leaves its workers alone', async ({
  db,
  connection,
}) => {
  await using s = await openRunnerFixture(db);
  const mark = `1013.${process.pid}`;
  await s.apply({ builder: { worker: longWorker(mark) } });
  const id = await s.queue();
  const child = spawn(
    process.execPath,
    [join(import.meta.dirname, 'runner-scenarios.ts'), s.folder],
    {
      env: { PATH: process.env['PATH'] ?? '', DATABASE_URL: connection },
      stdio: 'inherit',
    },
  );
  await untilBegun(s, id);
  const refused = Promise.withResolvers<unknown>();
  const log = { ...silentLog, warn: (fields: object) => refused.resolve(fields) };

  const second = s.start({ log });
  const said = await refused.promise;
  await second.stop();

  expect(said).toMatchObject({ err: { code: 'BUSY' } });
  expect(isAlive(mark)).toBe(true);
  expect(await s.until(id, 'running')).toMatchObject({ attempts: 1 });
  child.kill('SIGKILL');
  await once(child, 'exit');
});

test('a runner that is started again takes its jobs back, after a kill -9 as well', async ({
  db,
  connection,
}) => {
  await using s = await openRunnerFixture(db);
  const mark = `1003.${process.pid}`;
  const worker = `test "$(grep -c '"attempt": 2' "$AUTODEV_TASK_FILE")" = 1 || { ${longWorker(mark)}; }
    echo '{"type":"noop","reason":"Done."}' >> "$AUTODEV_OUTPUTS"`;
  await s.apply({ builder: { worker, limits: { attempts: 2 } } });
  const id = await s.queue();
  const child = spawn(
    process.execPath,
    [join(import.meta.dirname, 'runner-scenarios.ts'), s.folder],
    {
      env: { PATH: process.env['PATH'] ?? '', DATABASE_URL: connection },
      stdio: 'inherit',
    },
  );
  await untilBegun(s, id);
  child.kill('SIGKILL');
  await once(child, 'exit');

  s.start();
  const job = await s.until(id, 'succeeded', 'failed');

  expect([job.state, job.reason, job.attempts, job.uncounted]).toEqual(['succeeded', 'noop', 2, 0]);
  expect(isAlive(mark)).toBe(false);
  const attempts = await listAttempts(db, id);
  expect(attempts.map(({ reason }) => reason)).toEqual(['lost', 'noop']);
  expect(await counterDrift(db)).toBe(0);
});

test('what a runner finished for a job that was taken from it counts for nothing', async ({
  db,
}) => {
  await using s = await openRunnerFixture(db);
  await s.apply({
    builder: {
      worker: `echo begun; until test -e go; do sleep 0.05; done
        echo '{"type":"issue","title":"Seen","description":"x"}' >> "$AUTODEV_OUTPUTS"`,
    },
  });
  const id = await s.queue();
  const runner = s.start();
  await untilBegun(s, id);

  const [session] = await listRunners(db);
  await db.transaction(async (tx) => {
    await leaveRunner(tx, { id: session?.id ?? 0, epoch: session?.epoch ?? 0 });
    const upToEpoch = session?.epoch ?? 0;
    await endLostJobs(tx, {
      runner: session?.id ?? 0,
      upToEpoch,
      decide: () => ({ state: 'waiting', reason: 'lost', waitReason: 'retry', uncounted: false }),
    });
  });
  const [workspace = ''] = readdirSync(join(s.deps.folder, 'workspaces'));
  spawnSync('touch', [join(s.deps.folder, 'workspaces', workspace, 'w', 'go')]);
  while (existsSync(join(s.deps.folder, 'workspaces', workspace))) {
    await systemClock.sleep(20, never);
  }
  await runner.stop();

  expect(await s.until(id, 'waiting')).toMatchObject({ reason: 'lost', attempts: 1 });
  expect(await listEffects(db, id)).toEqual([]);
  expect(await db.query(sql`select 1 from run_note`)).toEqual([]);
  expect(await counterDrift(db)).toBe(0);
});

test('a lease that is lost ends the workers, and the runner comes back with a new epoch', async ({
  db,
}) => {
  await using s = await openRunnerFixture(db);
  const mark = `1004.${process.pid}`;
  await s.apply({ builder: { worker: longWorker(mark) } });
  const id = await s.queue();
  const runner = s.start({ times: { leaseMs: 3000, heartbeatMs: 200, marginMs: 500 } });
  await untilBegun(s, id);
  const [before] = await listRunners(db);

  await leaveRunner(db, { id: before?.id ?? 0, epoch: before?.epoch ?? 0 });
  const job = await s.until(id, 'failed');

  expect([job.reason, job.detail]).toEqual([
    'lost',
    'Its runner went away during its last attempt.',
  ]);
  expect(isAlive(mark)).toBe(false);
  const [after] = await listRunners(db);
  expect(after).toMatchObject({ id: before?.id, epoch: (before?.epoch ?? 0) + 1 });
  await runner.stop();
});

test('two runners share a queue and never run the same job', async ({ db, connection }) => {
  await using s = await openRunnerFixture(db);
  await using rival = await openPool(connection);
  const worker = `echo '{"type":"noop","reason":"Done."}' >> "$AUTODEV_OUTPUTS"`;
  await s.apply({ builder: { worker } });
  const ids: number[] = [];
  for (let n = 0; n < 12; n += 1) {
    ids.push(await s.queue());
  }

  s.start();
  const other = s.start({ db: rival, folder: join(s.folder, 'data2') });
  const jobs = await Promise.all(ids.map((id) => s.until(id, 'succeeded', 'failed')));
  await other.stop();

  expect(new Set(jobs.map(({ state }) => state))).toEqual(new Set(['succeeded']));
  expect(jobs.every(({ attempts }) => attempts === 1)).toBe(true);
  const rows = await db.query<{ runner: number; jobs: number }>(
    sql`select runner, count(*)::int as jobs from attempt group by runner`,
  );
  expect(rows.length).toBe(2);
  expect(rows.reduce((sum, { jobs: n }) => sum + n, 0)).toBe(12);
  expect(await counterDrift(db)).toBe(0);
});
