import { expect, inject, test } from 'vitest';

import { formatJobId } from '../../src/domain/job-id.ts';
import { cloneTemplate, openPool } from '../database.ts';
import type { Dashboard, FleetProcess, ProcessRole } from '../e2e/fleet.ts';
import { startDashboard, startProcess } from '../e2e/fleet.ts';
import { openMachine } from '../e2e/machine.ts';
import { MERGE_REQUEST, NOOP, obedientConfig, obedientFiles } from '../e2e/obedient-repository.ts';
import { until } from '../e2e/until.ts';
import { counterDrift } from '../queue.ts';
import { startRedis } from '../redis-server.ts';
import {
  countedTwice,
  countOccurrences,
  countSettled,
  endsOf,
  listLive,
  oddOccurrences,
  openEnds,
  openGates,
} from './exactness.ts';
import { seededRandom } from './seeded-random.ts';

const REPOS = ['alpha', 'beta', 'gamma'];
const CHANGES_EACH = 4;
const PAIRED: readonly ProcessRole[] = ['reconciler', 'scheduler', 'orchestrator', 'runner'];
/** An effect that its orchestrator was killed in is taken up when its lease of two minutes is over. */
const EVERYTHING_ENDS = { withinMs: 300_000 };

const CONFIG = `${obedientConfig({ config: 'concurrency: 4, limits: { attempts: 2 }', agents: ['builder', 'tester'] })}
schedules:
  every-minute: { agent: tester, cron: "* * * * *", task: ${JSON.stringify(NOOP)} }
`;

/** Writes to a file of its own, so that no merge is in the way of another. */
const change = (name: string): string =>
  `echo done >> src/${name}.txt; sleep 0.3; ${MERGE_REQUEST}`;

test('two of each process, one of each killed at random: everything ends, once', async () => {
  const seed = Number(process.env['AUTODEV_TEST_SEED'] ?? Math.floor(Math.random() * 1e9));
  console.log(`AUTODEV_TEST_SEED=${seed}`);
  const random = seededRandom(seed);
  const startedAt = performance.now();
  const seconds = (): number => Math.round((performance.now() - startedAt) / 1000);
  await using fleet = await openFleet();
  const { db, dashboards, processes } = fleet;
  const expected = new Map<number, Expected>();
  for (const [index, repo] of REPOS.entries()) {
    const start = async (task: string, end: Expected['end'], file?: string): Promise<void> => {
      const jobId = await fleet.startJob(dashboards[index % 2], { repo, task });
      expected.set(jobId, { repo, end, ...(file !== undefined && { file }) });
    };
    for (let count = 0; count < CHANGES_EACH; count += 1) {
      const file = `${repo}-${count}`;
      await start(change(file), random() < 0.7 ? 'approved' : 'rejected', file);
    }
    await start(NOOP, 'succeeded');
    await start('exit 7', 'failed');
    await start('sleep 300', 'cancelled');
  }

  const stop = new AbortController();
  const people = actAsPeople(fleet, expected, stop.signal);
  const victims = shuffle(
    [...PAIRED, 'dashboard' as const].map((role) => {
      const pair = processes.filter((one) => one.role === role);
      return pair[Math.floor(random() * pair.length)];
    }),
    random,
  );
  for (const [turn, victim] of victims.entries()) {
    const wanted = Math.floor(((turn + random()) * expected.size) / (victims.length + 1));
    await until(
      'work goes on',
      () => countSettled(db),
      (count) => count >= wanted,
      EVERYTHING_ENDS,
    );
    await victim?.kill9();
    console.log(`${seconds()} s: ${victim?.name} killed when ${wanted} jobs were through`);
    await victim?.start();
  }
  await until(
    'all jobs end',
    () => listLive(db, 'builder'),
    (live) => live.length === 0,
    EVERYTHING_ENDS,
  );
  await until(
    'schedules fired',
    () => countOccurrences(db),
    (count) => count >= REPOS.length,
    EVERYTHING_ENDS,
  );
  console.log(`${seconds()} s: all jobs ended and schedules fired`);
  for (const scheduler of processes.filter(({ role }) => role === 'scheduler')) {
    await scheduler[Symbol.asyncDispose]();
  }
  await until(
    'their jobs end',
    () => listLive(db, 'tester'),
    (live) => live.length === 0,
    EVERYTHING_ENDS,
  );
  stop.abort();
  await people;

  expect(await endsOf(db, 'builder')).toEqual(
    new Map([...expected].map(([id, { end }]) => [id, end === 'approved' ? 'succeeded' : end])),
  );
  expect(await countedTwice(db)).toEqual([]);
  expect(await openEnds(db)).toEqual({ attempts: 0, effects: 0, gates: 0, slots: 0 });
  expect(await counterDrift(db)).toBe(0);
  expect(await oddOccurrences(db)).toEqual([]);
  expect(await mergesOf(fleet, expected)).toEqual(
    new Map(
      [...expected].flatMap(([id, { end, file }]) =>
        file === undefined ? [] : [[id, end === 'approved' ? 1 : 0]],
      ),
    ),
  );
});

interface Expected {
  readonly repo: string;
  readonly end: 'approved' | 'rejected' | 'succeeded' | 'failed' | 'cancelled';
  readonly file?: string;
}

type Fleet = Awaited<ReturnType<typeof openFleet>>;

/** Two of each process on one database, with Redis between them where there is one, and the repositories. */
async function openFleet() {
  await using stack = new AsyncDisposableStack();
  const redis = inject('available').redis ? stack.use(await startRedis()) : undefined;
  const connection = await cloneTemplate();
  const db = stack.use(await openPool(connection));
  const machine = stack.use(await openMachine());
  const env = { DATABASE_URL: connection, ...(redis && { REDIS_URL: redis.url }) };
  const options = { machine, env };
  const repos = new Map<string, string>();
  for (const name of REPOS) {
    const files = { ...obedientFiles(), 'autodev.yaml': CONFIG };
    repos.set(name, await machine.repository(name, files));
  }

  const dashboards: Dashboard[] = [];
  for (const name of ['dashboard-0', 'dashboard-1']) {
    dashboards.push(stack.use(await startDashboard(options, name)));
  }
  const others: FleetProcess[] = [];
  for (const role of PAIRED) {
    const pair = [0, 1].map((index) => startProcess(options, { role, name: `${role}-${index}` }));
    others.push(...(await Promise.all(pair)).map((one) => stack.use(one)));
  }
  for (const [index, location] of [...repos.values()].entries()) {
    await dashboards[index % 2]?.api('/repos', { location });
  }
  for (const name of REPOS) {
    await until(
      `${name} is in force`,
      async () => dashboards[0]?.api<{ revision: object | null }>(`/repos/${name}`),
      (repo) => repo?.revision !== null,
    );
  }

  const owned = stack.move();
  return {
    db,
    repos,
    dashboards,
    processes: [...dashboards, ...others],
    git: (cwd: string, ...args: string[]) => machine.git(cwd, ...args),
    startJob: async (on: Dashboard | undefined, job: { repo: string; task: string }) => {
      const made = await on?.api<{ id: string }>('/jobs', { ...job, agent: 'builder' });
      return Number(made?.id.slice(2));
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

/** How many commits on main changed each job's own file. */
async function mergesOf(
  { repos, git }: Fleet,
  expected: ReadonlyMap<number, Expected>,
): Promise<Map<number, number>> {
  const merges = new Map<number, number>();
  for (const [id, { repo, file }] of expected) {
    if (file !== undefined) {
      const path = `src/${file}.txt`;
      const made = await git(repos.get(repo) ?? '', 'log', '--format=%H', 'main', '--', path);
      merges.set(id, made.split('\n').filter(Boolean).length);
    }
  }
  return merges;
}

/** Votes on every merge request and cancels what is to be cancelled, through either dashboard, until all is done. */
async function actAsPeople(
  { db, dashboards }: Fleet,
  expected: ReadonlyMap<number, Expected>,
  signal: AbortSignal,
): Promise<void> {
  let turn = 0;
  /** A dashboard that is gone, or was in the middle of it, is no answer: people ask again. */
  const ask = async (route: string, body: object): Promise<void> => {
    turn += 1;
    await dashboards[turn % 2]?.api(route, body).catch(() => undefined);
  };
  const vote = async (): Promise<void> => {
    const votes = (await openGates(db)).map((gate) => {
      const approves = expected.get(gate.job_id)?.end !== 'rejected';
      const verdict = approves ? { verdict: 'approve' } : { verdict: 'reject', note: 'Not this.' };
      return ask(`/gates/g_${gate.id}/votes`, verdict);
    });
    await Promise.all(votes);
  };
  const cancel = async (): Promise<void> => {
    for (const { id } of await listLive(db, 'builder')) {
      if (expected.get(id)?.end === 'cancelled') {
        await ask(`/jobs/${formatJobId(id)}/cancel`, {});
      }
    }
  };
  await until(
    'people are done',
    async () => {
      await Promise.all([vote(), cancel()]);
      return signal.aborted;
    },
    (done) => done,
    { withinMs: 400_000 },
  );
}

function shuffle<Item>(items: readonly Item[], random: () => number): Item[] {
  return items
    .map((item) => ({ item, at: random() }))
    .sort((one, other) => one.at - other.at)
    .map(({ item }) => item);
}
