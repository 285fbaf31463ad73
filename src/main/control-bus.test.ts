import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';

import { Registry } from 'prom-client';
import { expect, onTestFinished } from 'vitest';

import { test as withDatabase } from '../../test/database.ts';
import { test as withRedis } from '../../test/redis.ts';
import { readSettings } from '../config/settings.ts';
import { registerBusMetrics } from '../control/metrics.ts';
import type { PostgresDb } from '../db/pool.ts';
import { systemClock } from '../kernel/clock.ts';
import { silentLog } from '../kernel/log.ts';
import { busReadiness, openControlBus } from './control-bus.ts';
import { runDoctor } from './doctor.ts';

const NOTICED = { timeout: 15_000 };
const never = new AbortController().signal;

function open(db: PostgresDb, env: Record<string, string>) {
  const settings = readSettings(env, { readFile: () => 'redis://from-the-file' });
  return openControlBus({ db, clock: systemClock, log: silentLog }, settings);
}

function folder(): string {
  const made = mkdtempSync(path.join(tmpdir(), 'bus-'));
  onTestFinished(() => rmSync(made, { recursive: true, force: true }));
  return made;
}

/** The answer of `autodev doctor -o json` about the bus. */
async function askDoctor(env: Record<string, string>): Promise<unknown> {
  const stdout = new PassThrough();
  const said = text(stdout);
  const cwd = folder();
  await runDoctor({
    dataDir: path.join(cwd, 'data'),
    cwd,
    env: { PATH: process.env['PATH'], ...env },
    stdout,
    stderr: new PassThrough(),
    json: true,
    signal: never,
  });
  stdout.end();
  const { checks }: { checks: { name: string }[] } = JSON.parse(await said);
  return checks.find(({ name }) => name === 'bus');
}

withDatabase('without REDIS_URL hints go through PostgreSQL', async ({ connection, db }) => {
  await using bus = await open(db, {});

  const doctor = await askDoctor({ DATABASE_URL: connection });

  expect(bus.status()).toMatchObject({ kind: 'postgres', up: true });
  expect(busReadiness(bus)).toEqual({
    name: 'control bus',
    ok: true,
    detail: "PostgreSQL's notifications",
  });
  expect(doctor).toMatchObject({ ok: true });
});

withDatabase.for([
  'http://cache:6379',
  'redis://cache/words',
  'redis://user:s3cret@cache:6379?db=1',
])('%s is refused at the start, and not shown', async (url, { db }) => {
  const opening = open(db, { REDIS_URL: url });

  await expect(opening).rejects.toMatchObject({
    code: 'SETTINGS_INVALID',
    message: expect.not.stringContaining('s3cret'),
    remedy: expect.stringContaining('rediss://'),
  });
});

withRedis(
  'a Redis that is down degrades: it is ready, the doctor says what to do, metrics tell',
  async ({ connection, db, redis }) => {
    await using bus = await open(db, { REDIS_URL: redis.url });
    const registry = new Registry();
    registerBusMetrics(registry, bus);
    const env = { DATABASE_URL: connection, REDIS_URL: redis.url };

    const before = {
      ready: busReadiness(bus),
      doctor: await askDoctor(env),
      metrics: await registry.metrics(),
    };
    await redis.kill();
    await expect.poll(() => bus.status().up, NOTICED).toBe(false);
    await expect.poll(() => bus.status().detail, NOTICED).toContain('ECONNREFUSED');
    bus.publish('control', 1);
    const after = {
      ready: busReadiness(bus),
      doctor: await askDoctor(env),
      metrics: await registry.metrics(),
    };

    expect(before.ready).toMatchObject({
      ok: true,
      detail: `connected to 127.0.0.1:${redis.port}`,
    });
    expect(before.doctor).toMatchObject({ ok: true });
    expect(before.metrics).toMatch(/^autodev_control_bus_up\{kind="redis"\} 1$/m);
    expect(after.ready).toMatchObject({
      ok: true,
      detail: expect.stringMatching(/^degraded: Redis/),
    });
    expect(after.doctor).toMatchObject({ ok: false, remedy: expect.stringContaining('REDIS_URL') });
    expect(after.metrics).toMatch(/^autodev_control_bus_up\{kind="redis"\} 0$/m);
    expect(after.metrics).toMatch(/^autodev_control_bus_hints_total\{outcome="dropped"\} 1$/m);
    expect(after.metrics).toMatch(/^autodev_control_bus_lost_total 1$/m);
  },
);

withRedis('an address in a file is read again for each connection', async ({ db, redis }) => {
  const file = path.join(folder(), 'redis-url');
  writeFileSync(file, 'redis://127.0.0.1:1\n');

  await using bus = await open(db, { REDIS_URL_FILE: file });
  const wrong = bus.status();
  writeFileSync(file, 'not a url');
  await expect.poll(() => bus.status().detail, NOTICED).toContain('REDIS_URL is no URL');
  rmSync(file);
  await expect.poll(() => bus.status().detail, NOTICED).toContain('cannot be read');
  writeFileSync(file, `${redis.url}\n`);

  await expect.poll(() => bus.status().up, NOTICED).toBe(true);
  expect(wrong.up).toBe(false);
});
