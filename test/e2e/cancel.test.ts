import { expect, inject, test, vi } from 'vitest';

import type { Job } from '../../src/db/views/job-list.ts';
import { cloneTemplate } from '../database.ts';
import { startRedis } from '../redis-server.ts';
import type { Dashboard } from './fleet.ts';
import { startDashboard, startProcess } from './fleet.ts';
import { openMachine } from './machine.ts';
import { until } from './until.ts';

vi.setConfig({ testTimeout: 180_000 });

const CANCELS = 5;
/** Bounds of the median: the machine that runs this has other things to do as well. */
const WITH_BUS_MS = 100;
const WITHOUT_BUS_MS = 1_000;
/** Nothing may hang, whatever else the machine does. */
const NEVER_MS = 5_000;

/** Says when it was asked to end, by the clock that this test reads as well. */
const WORKER = `
process.on('SIGTERM', () => {
  console.log('asked at ' + Date.now());
  process.exit(0);
});
console.log('begun');
setInterval(() => {}, 1000);
`;
const CONFIG = `version: 1
agents:
  builder: {
    concurrency: 8, max_open_merge_requests: 20, limits: { attempts: 1 },
    providers: [{ name: command, run: [node, .autodev/wait.mjs], llm: false }],
    allow: { merge_request: { max: 1 } } }
`;

/** A control plane and a runner as processes of their own, on one repository whose workers wait. */
async function setup(shared: Readonly<Record<string, string>> = {}) {
  const stack = new AsyncDisposableStack();
  const machine = stack.use(await openMachine());
  const fleet = { machine, env: { ...shared, DATABASE_URL: await cloneTemplate() } };
  const repo = await machine.repository('app', {
    'autodev.yaml': CONFIG,
    '.autodev/wait.mjs': WORKER,
  });
  const dashboard = stack.use(await startDashboard(fleet, 'dashboard'));
  const others = await Promise.all([
    startProcess(fleet, { role: 'reconciler', name: 'reconciler' }),
    startProcess(fleet, { role: 'orchestrator', name: 'orchestrator' }),
    startProcess(fleet, { role: 'runner', name: 'runner' }),
  ]);
  others.forEach((one) => stack.use(one));
  await dashboard.api('/repos', { location: repo });
  await until(
    'the file is in force',
    () => dashboard.api<{ revision: object | null }>('/repos/app'),
    ({ revision }) => revision !== null,
  );
  return { dashboard, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

/** Starts a job, waits until its worker works, cancels it; answers after how many ms the worker was asked to end. */
async function cancelOne({
  api,
  read,
}: Dashboard): Promise<{ reachedMs: number; answeredMs: number }> {
  const { id } = await api<Job>('/jobs', { repo: 'app', agent: 'builder', task: 'Wait.' });
  const transcript = (): Promise<string> => read(`/jobs/${id}/transcript`);
  await until('its worker works', transcript, (text) => text.includes('begun'));

  const from = Date.now();
  await api(`/jobs/${id}/cancel`, { reason: 'Not needed.' });
  const answeredMs = Date.now() - from;
  await until(
    'it is cancelled',
    () => api<Job>(`/jobs/${id}`),
    ({ state }) => state === 'cancelled',
  );
  const said = /asked at (\d+)/.exec(await transcript());

  return { reachedMs: Number(said?.[1]) - from, answeredMs };
}

async function cancelSome(dashboard: Dashboard, what: string): Promise<number> {
  const took: number[] = [];
  for (let count = 0; count < CANCELS; count += 1) {
    const { reachedMs, answeredMs } = await cancelOne(dashboard);
    took.push(reachedMs);
    expect(Math.max(answeredMs, reachedMs)).toBeLessThan(NEVER_MS);
  }
  console.log(`a cancel reaches its worker, ${what}: ${took.join(', ')} ms`);
  const sorted = took.toSorted((one, other) => one - other);
  return sorted[Math.floor(CANCELS / 2)] ?? NaN;
}

/** What `/readyz` says of the bus. */
async function busSays({ url }: Dashboard): Promise<{ status: number; text: string }> {
  const answer = await fetch(`${url()}/readyz`);
  return { status: answer.status, text: await answer.text() };
}

test('a cancel reaches a running worker within a second by PostgreSQL alone', async () => {
  await using fleet = await setup();

  const took = await cancelSome(fleet.dashboard, 'by PostgreSQL');

  expect(took).toBeLessThan(WITHOUT_BUS_MS);
});

test('by Redis it takes 100 ms; frozen, killed and back, nothing hangs and nothing is lost', async ({
  skip,
}) => {
  skip(!inject('available').redis, 'no redis-server');
  await using redis = await startRedis();
  await using fleet = await setup({ REDIS_URL: redis.url });
  const { dashboard } = fleet;
  const isConnected = () =>
    until(
      'the bus is connected',
      () => busSays(dashboard),
      ({ text }) => text.includes('connected to'),
    );
  await isConnected();

  const healthy = await cancelSome(dashboard, 'by Redis');
  redis.freeze();
  const frozen = await cancelSome(dashboard, 'while Redis stands still');
  await redis.kill();
  const killed = await cancelSome(dashboard, 'while Redis is gone');
  const without = await busSays(dashboard);
  await redis.start();
  await isConnected();
  const again = await cancelSome(dashboard, 'with Redis back');

  expect(healthy).toBeLessThan(WITH_BUS_MS);
  expect(frozen).toBeLessThan(WITHOUT_BUS_MS);
  expect(killed).toBeLessThan(WITHOUT_BUS_MS);
  expect(again).toBeLessThan(WITH_BUS_MS);
  expect(without.status).toBe(200);
  expect(without.text).toContain('degraded: Redis at 127.0.0.1');
});
