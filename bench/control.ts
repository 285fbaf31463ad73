import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import process from 'node:process';

import { Client } from 'pg';

import type { ControlBus } from '../src/control/control-bus.ts';
import { createPostgresBus } from '../src/control/postgres/bus.ts';
import { readRedisUrl } from '../src/control/redis/address.ts';
import { openRedisBus } from '../src/control/redis/bus.ts';
import { getControl } from '../src/db/controls.ts';
import type { EmbeddedServer } from '../src/db/embedded/start.ts';
import { startEmbedded } from '../src/db/embedded/start.ts';
import { installationId } from '../src/db/installation.ts';
import { migrate } from '../src/db/migrate.ts';
import type { PostgresDb } from '../src/db/pool.ts';
import { openDb } from '../src/db/pool.ts';
import { isJsonObject } from '../src/domain/canonical-json.ts';
import { systemClock } from '../src/kernel/clock.ts';
import { silentLog } from '../src/kernel/log.ts';
import { pause } from '../src/orchestrator/acts/steer.ts';
import { startRedis } from '../test/redis-server.ts';
import { type Figure, print, printTable } from './print-table.ts';

/**
 * How long an order takes from the act to another process that has read its row: by Redis and by PostgreSQL, in turns,
 * on one server, with a database for each, as a row notifies whoever listens to its own. Needs redis-server. Ends with 1 when a goal is missed. Takes about ten seconds.
 *
 *     npx node bench/control.ts [orders]
 */
const KINDS = ['postgres', 'redis'] as const;
type Kind = (typeof KINDS)[number];

const [role, ...rest] = process.argv.slice(2);
if (role === 'receiver') {
  await receive(rest);
} else {
  await measure(Number(role ?? 500));
}

async function openBus(kind: Kind, db: PostgresDb, redisUrl: string): Promise<ControlBus> {
  return kind === 'postgres'
    ? createPostgresBus({ db })
    : openRedisBus({
        clock: systemClock,
        log: silentLog,
        address: () => readRedisUrl(redisUrl),
        installation: await installationId(db),
      });
}

/** Reads the row of each hint, as a runner does, and tells its parent when it had it. */
async function receive([kind = '', connection = '', redisUrl = '']: string[]): Promise<void> {
  const db = await openDb({ connection, log: silentLog });
  const bus = await openBus(kind === 'redis' ? 'redis' : 'postgres', db, redisUrl);
  const onHint = async (id: string): Promise<void> => {
    const control = id === '' ? undefined : await getControl(db, Number(id));
    // Of the machine, not of the process: both can read it.
    process.send?.({ id: control?.id, at: String(process.hrtime.bigint()) });
  };
  await bus.listen('control', (id) => void onHint(id), new AbortController().signal);
}

async function measure(orders: number): Promise<void> {
  const dataDir = await mkdtemp(path.join(tmpdir(), 'autodev-bench-'));
  await chmod(dataDir, 0o711); // as root, the server's account passes through
  const env = { PATH: process.env['PATH'] ?? '' };
  const server = await startEmbedded(
    { clock: systemClock, log: silentLog, env },
    { dataDir, temporary: true },
  );
  try {
    await using redis = await startRedis();
    await using ends = new AsyncDisposableStack();
    const lines = {
      postgres: ends.use(await openLine('postgres', await makeDatabase(server, 'one'), redis.url)),
      redis: ends.use(await openLine('redis', await makeDatabase(server, 'two'), redis.url)),
    };
    const took = await takeTurns(lines, orders);
    const figures = KINDS.flatMap((kind): Figure[] => [
      { name: `order by ${kind}, p50`, value: quantile(took[kind], 0.5), unit: 'ms', most: 100 },
      { name: `order by ${kind}, p99`, value: quantile(took[kind], 0.99), unit: 'ms', most: 1000 },
    ]);
    const ratio = quantile(took.redis, 0.5) / quantile(took.postgres, 0.5);
    print(`${orders} orders by each bus, in turns: from the act to another process with the row`);
    const reached = printTable([
      ...figures,
      { name: 'redis / postgres, p50', value: ratio, unit: '' },
    ]);
    process.exitCode = reached ? 0 : 1;
  } finally {
    await server.stop();
    await rm(dataDir, { recursive: true, force: true });
  }
}

/** One who orders, and another process that hears of it. */
interface Line extends AsyncDisposable {
  readonly db: PostgresDb;
  readonly bus: ControlBus;
  readonly child: ChildProcess;
}

async function makeDatabase(server: EmbeddedServer, name: string): Promise<string> {
  const admin = new Client({ connectionString: server.admin });
  await admin.connect();
  await admin.query(`create database ${name} owner autodev`);
  await admin.end();
  const url = new URL(server.connection);
  url.pathname = `/${name}`;
  return url.href;
}

async function openLine(kind: Kind, connection: string, redisUrl: string): Promise<Line> {
  const db = await openDb({ connection, log: silentLog });
  await migrate(db);
  const bus = await openBus(kind, db, redisUrl);
  const child = fork(import.meta.filename, ['receiver', kind, connection, redisUrl]);
  // Its first word: it listens.
  await once(child, 'message');
  return {
    db,
    bus,
    child,
    async [Symbol.asyncDispose]() {
      child.kill();
      await bus[Symbol.asyncDispose]();
      await db[Symbol.asyncDispose]();
    },
  };
}

async function takeTurns(
  lines: Readonly<Record<Kind, Line>>,
  orders: number,
): Promise<Record<Kind, number[]>> {
  const took: Record<Kind, number[]> = { postgres: [], redis: [] };
  for (let order = 1; order <= orders; order += 1) {
    for (const kind of KINDS) {
      const from = process.hrtime.bigint();
      const heard = untilHeard(lines[kind].child);
      const why = { actor: 'ada', reason: 'A measurement.' };
      const { controlId } = await pause(lines[kind], { repoId: order }, why);
      const { id, at } = await heard;
      if (id !== controlId) {
        throw new Error(`another order was heard of: ${id}, not ${controlId}`);
      }
      took[kind].push(Number(at - from) / 1e6);
    }
  }
  return took;
}

async function untilHeard(child: ChildProcess): Promise<{ id: number; at: bigint }> {
  const [message]: unknown[] = await once(child, 'message');
  if (!isJsonObject(message)) {
    throw new Error('the receiver said something else');
  }
  return { id: Number(message['id']), at: BigInt(String(message['at'])) };
}

function quantile(values: readonly number[], part: number): number {
  return values.toSorted((one, other) => one - other)[Math.floor(values.length * part)] ?? NaN;
}
