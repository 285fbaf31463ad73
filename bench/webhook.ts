import { type ChildProcess, fork } from 'node:child_process';
import { createHmac, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';

import Fastify from 'fastify';
import { Registry } from 'prom-client';

import type { EmbeddedServer } from '../src/db/embedded/start.ts';
import { startEmbedded } from '../src/db/embedded/start.ts';
import { insertDeliveries } from '../src/db/hook-deliveries.ts';
import { migrate } from '../src/db/migrate.ts';
import { openDb } from '../src/db/pool.ts';
import { addRepo } from '../src/db/repos.ts';
import { systemClock } from '../src/kernel/clock.ts';
import { silentLog } from '../src/kernel/log.ts';
import { createGuard } from '../src/webhook/guard.ts';
import type { Intake } from '../src/webhook/intake.ts';
import { createIntake } from '../src/webhook/intake.ts';
import { createTally } from '../src/webhook/tally.ts';
import { webhook } from '../src/webhook/webhook.ts';
import type { Load } from './http-load.ts';
import { load } from './http-load.ts';
import { print, printTable } from './print-table.ts';

/**
 * What a signed delivery costs that is committed before its answer, beside an empty Fastify that answers 204 to the
 * same requests; and what batches of inserts bring where a commit is slow. In turns, medians, each server a process of
 * its own. Ends with 1 when a goal is missed. Takes about two minutes.
 *
 *     npx node bench/webhook.ts [rounds]
 */
const KEY = Buffer.from('0123456789abcdef0123456789abcdef');
const PROJECTS = 50;
/** As a disk of a network takes it: PostgreSQL itself waits before each flush, for whoever comes meanwhile. */
const SLOW_COMMIT = { commit_delay: '10000', commit_siblings: '0' };
const WAYS = ['bare', 'insert', 'batch'] as const;

type Way = (typeof WAYS)[number];

const [role, connection = ''] = process.argv.slice(2);
if (WAYS.some((way) => way === role)) {
  await serve(role, connection);
} else {
  await measure(Number(role ?? 5));
}

async function serve(way: string | undefined, database: string): Promise<void> {
  const app = Fastify();
  if (way === 'bare') {
    app.removeAllContentTypeParsers();
    app.addContentTypeParser('application/json', { parseAs: 'buffer' }, (_request, body, done) =>
      done(null, body),
    );
    app.post('/webhook', async (_request, reply) => reply.code(204).send());
  } else {
    const deps = { clock: systemClock, log: silentLog, registry: new Registry() };
    const db = await openDb({ connection: database, log: silentLog }, { maxConnections: 10 });
    const single: Intake = {
      waiting: () => 0,
      add: async (delivery) =>
        (await insertDeliveries(db, [delivery]))[0] ?? { repoId: undefined, isNew: false },
    };
    const intake = way === 'batch' ? createIntake({ db, ...deps }) : single;
    const tally = createTally({ db, ...deps }, intake.waiting);
    const signingToken = `whsec_${KEY.toString('base64')}`;
    const guard = createGuard(deps, () => ({ signingToken }));
    app.register(webhook, { guard, intake, tally, log: silentLog });
    void tally.keep(new AbortController().signal);
  }
  const url = await app.listen({ host: '127.0.0.1', port: 0 });
  process.send?.(Number(new URL(url).port));
}

async function measure(rounds: number): Promise<void> {
  const fast = await onDatabase({}, (database) =>
    interleave(database, ['bare', 'batch'], { rounds, connections: 32, requests: 8_000 }),
  );
  const slow = await onDatabase(SLOW_COMMIT, (database) =>
    interleave(database, ['insert', 'batch'], { rounds: 3, connections: 128, requests: 4_000 }),
  );
  const rate = (of: ReadonlyMap<Way, Load[]>, way: Way): number =>
    median((of.get(way) ?? []).map(({ perSecond }) => perSecond));
  const p99 = (of: ReadonlyMap<Way, Load[]>, way: Way): number =>
    median((of.get(way) ?? []).map((one) => one.p99));

  print('32 connections');
  const [bare, batch] = [rate(fast, 'bare'), rate(fast, 'batch')];
  const isFast = printTable([
    { name: 'bare 204', value: bare, unit: '/s' },
    { name: 'committed', value: batch, unit: '/s' },
    { name: 'committed / bare', value: batch / bare, unit: 'x', least: 0.2 },
    { name: 'p99 of bare', value: p99(fast, 'bare'), unit: 'ms' },
    { name: 'p99 of committed', value: p99(fast, 'batch'), unit: 'ms', most: 20 },
  ]);
  print('128 connections, slow commits');
  const [single, batched] = [rate(slow, 'insert'), rate(slow, 'batch')];
  const isBatched = printTable([
    { name: 'one insert each', value: single, unit: '/s' },
    { name: 'batches', value: batched, unit: '/s' },
    { name: 'batches / inserts', value: batched / single, unit: 'x', least: 3 },
    { name: 'p99 of inserts', value: p99(slow, 'insert'), unit: 'ms' },
    { name: 'p99 of batches', value: p99(slow, 'batch'), unit: 'ms' },
  ]);
  process.exitCode = isFast && isBatched ? 0 : 1;
}

/** A server that keeps what it commits: fsync is on. */
async function onDatabase<T>(
  settings: Record<string, string>,
  work: (database: string) => Promise<T>,
): Promise<T> {
  const folder = await mkdtemp(path.join(tmpdir(), 'autodev-bench-'));
  await chmod(folder, 0o711); // as root, the server's account passes through
  let server: EmbeddedServer | undefined;
  try {
    server = await startEmbedded(
      { clock: systemClock, log: silentLog, env: { PATH: process.env['PATH'] ?? '' } },
      { dataDir: folder, settings },
    );
    await using db = await openDb({ connection: server.connection, log: silentLog });
    await migrate(db);
    for (let project = 1; project <= PROJECTS; project += 1) {
      const repo = { path: `group/app-${project}`, location: String(project), branch: 'main' };
      await db.transaction((tx) => addRepo(tx, { ...repo, forge: 'gitlab' }));
    }
    return await work(server.connection);
  } finally {
    await server?.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

async function interleave(
  database: string,
  ways: readonly Way[],
  { rounds, connections, requests }: { rounds: number; connections: number; requests: number },
): Promise<Map<Way, Load[]>> {
  const results = new Map<Way, Load[]>(ways.map((way) => [way, []]));
  const servers: { way: Way; port: number; child: ChildProcess }[] = [];
  try {
    for (const way of ways) {
      const child = fork(import.meta.filename, [way, database]);
      const [port] = await once(child, 'message');
      servers.push({ way, port: Number(port), child });
    }
    for (let round = 0; round <= rounds; round += 1) {
      for (const { way, port } of servers) {
        // The first round warms up.
        const texts = Array.from({ length: round === 0 ? 1_000 : requests }, (_, i) => request(i));
        const result = await load({ port, connections }, texts);
        if (round > 0) {
          results.get(way)?.push(result);
        }
      }
    }
  } finally {
    servers.forEach(({ child }) => child.kill());
  }
  return results;
}

/** A push as GitLab signs it, 1 kB, with an id of its own. */
function request(i: number): Buffer {
  const project = 1 + (i % PROJECTS);
  const body = JSON.stringify({
    object_kind: 'push',
    event_name: 'push',
    before: 'a'.repeat(40),
    after: 'b'.repeat(40),
    ref: 'refs/heads/main',
    user_name: 'Ada',
    project: { id: project, name: 'app', path_with_namespace: `group/app-${project}` },
    commits: Array.from({ length: 5 }, (_, n) => ({
      id: 'c'.repeat(40),
      message: `change ${n}`,
      added: ['a.ts'],
      modified: ['b.ts', 'c.ts'],
      author: { name: 'Ada', email: 'ada@example.org' },
    })),
  });
  const [id, at] = [randomUUID(), String(Math.floor(Date.now() / 1000))];
  const mac = createHmac('sha256', KEY).update(`${id}.${at}.${body}`).digest('base64');
  return Buffer.from(
    `POST /webhook HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\nX-Gitlab-Event: Push Hook\r\n` +
      `webhook-id: ${id}\r\nwebhook-timestamp: ${at}\r\nwebhook-signature: v1,${mac}\r\n` +
      `Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  );
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
}
