import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { Cron } from 'croner';

import { createCronTimes } from '../src/config/cron-times.ts';
import { startEmbedded } from '../src/db/embedded/start.ts';
import { migrate } from '../src/db/migrate.ts';
import { openDb } from '../src/db/pool.ts';
import { msUntilNextSchedule } from '../src/db/schedules.ts';
import { sql } from '../src/db/sql.ts';
import type { ScheduleSpec } from '../src/domain/spec.ts';
import { createZoneOffset } from '../src/domain/zone-offset.ts';
import { systemClock } from '../src/kernel/clock.ts';
import { silentLog } from '../src/kernel/log.ts';
import type { SchedulerDeps } from '../src/scheduler/fire-due.ts';
import { fireDueSchedules } from '../src/scheduler/fire-due.ts';
import { print, printTable } from './print-table.ts';

/**
 * What an idle tick of the scheduler costs beside a full scan (every schedule read, every pattern asked whether it
 * is due, as many schedulers do), at 100,000 schedules. Interleaved, medians. Ends with 1 when the goal is missed.
 *
 *     npx node bench/scheduler-tick.ts
 */
const [REPOS, SCHEDULES_EACH, ROUNDS] = [1_000, 100, 5];
const TICKS_A_ROUND = 200;
const { signal } = new AbortController();
const folder = await mkdtemp(path.join(tmpdir(), 'autodev-bench-'));
await chmod(folder, 0o711); // as root, the server's account passes through
const server = await startEmbedded(
  { clock: systemClock, log: silentLog, env: { PATH: process.env['PATH'] ?? '' } },
  { dataDir: folder, temporary: true },
);

try {
  await using db = await openDb({ connection: server.connection, log: silentLog });
  await migrate(db);
  const spec = { agent: 'tester', enabled: true, timezone: 'UTC', with: {}, when: {} };
  await db.query(sql`
    insert into repo (path, forge, location, branch)
    select 'app-' || n, 'local', '/app-' || n, 'main' from generate_series(1, ${REPOS}::int) n
  `);
  await db.query(sql`
    insert into revision (repo_id, commit, blobs, digest, state, source, author, subject)
    select id, 'c1', '{}', 'd1', 'applied', '', 'bench', 'Begin' from repo
  `);
  await db.query(
    sql`insert into repo_sync (repo_id, revision_id) select repo_id, id from revision`,
  );
  await db.query(sql`
    insert into schedule (repo_id, name, spec, next_at, due_at)
    select r.id, 's' || n, ${JSON.stringify(spec)}::jsonb || jsonb_build_object('cron', (n % 60) || ' 3 * * *'),
      now() + n * interval '10 minutes', now() + n * interval '10 minutes'
    from repo r, generate_series(1, ${SCHEDULES_EACH}::int) n
  `);
  await db.query(sql`analyze`);
  const deps: SchedulerDeps = {
    db,
    log: silentLog,
    nextCronTime: createCronTimes(),
    zoneOffset: createZoneOffset(),
    standingTask: () => ({ title: 'Look', task: 'Look.' }),
    hasChanged: () => Promise.resolve(true),
  };

  const tick = async (): Promise<void> => {
    await fireDueSchedules(deps, signal);
    await msUntilNextSchedule(db);
  };
  const scan = async (): Promise<number> => {
    const rows = await db.query<{ spec: ScheduleSpec }>(sql`select id, spec from schedule`);
    const now = systemClock.now();
    return rows.filter(({ spec: { cron, timezone } }) =>
      new Cron(cron, { timezone, mode: '5-part' }).match(now),
    ).length;
  };
  const ticks: number[] = [];
  const scans: number[] = [];
  await tick();
  for (let round = 0; round < ROUNDS; round += 1) {
    for (let n = 0; n < TICKS_A_ROUND; n += 1) {
      ticks.push(await milliseconds(tick));
    }
    scans.push(await milliseconds(scan));
  }

  const [tickMs, scanMs] = [median(ticks), median(scans)];
  print(`${REPOS * SCHEDULES_EACH} schedules, none of them due`);
  const reached = printTable([
    { name: 'idle tick', value: tickMs, unit: 'ms' },
    { name: 'full scan', value: scanMs, unit: 'ms' },
    { name: 'scan / tick', value: scanMs / tickMs, unit: 'x', least: 1_000 },
  ]);
  process.exitCode = reached ? 0 : 1;
} finally {
  await server.stop();
  await rm(folder, { recursive: true, force: true });
}

async function milliseconds(work: () => Promise<unknown>): Promise<number> {
  const started = performance.now();
  await work();
  return performance.now() - started;
}

function median(values: number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
}
