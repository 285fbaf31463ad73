import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { createInterface } from 'node:readline';

import { test as base, inject } from 'vitest';

import type { Job } from '../../src/db/views/job-list.ts';
import type { Machine, Ran } from './machine.ts';
import { autodevCommand, openMachine } from './machine.ts';
import { until } from './until.ts';

const READY = 'Auto-Dev is ready: ';
const READY_WITHIN_MS = 45_000;
const STOP_WITHIN_MS = 20_000;

/** A running `autodev up`, used as people and programs use it. */
export interface Instance extends AsyncDisposable {
  readonly url: string;
  readonly token: string;
  /** The data directory. */
  readonly data: string;
  /** From the start of the process to the line that says that it is ready. */
  readonly readyMs: number;
  /** `autodev …` against this instance. */
  cli(...args: string[]): Promise<Ran>;
  /** The answer of GET `/api/v1` + `path`. */
  api<Answer>(path: string): Promise<Answer>;
  /** Sends the signal to the process group, as a terminal does; answers the exit code and how long it took. */
  stop(signal?: NodeJS.Signals): Promise<{ code: number | null; ms: number }>;
  /** SIGKILL to the whole process group. */
  kill9(): Promise<void>;
  /** What it printed. */
  log(): string;
}

interface StartOptions {
  /** Default: `data` in the folder of the machine. */
  readonly data?: string;
  /** Arguments of `up` beside `--data` and `--port`. */
  readonly args?: readonly string[];
}

/** Where no box can be made (said once, at the start of the run), workers run without one. */
export function sandboxArgs(): string[] {
  return inject('available').bubblewrap ? [] : ['--unsafe-no-sandbox'];
}

/** Starts `autodev up` and waits until it says that it is ready. */
export async function startInstance(
  machine: Machine,
  { data = path.join(machine.folder, 'data'), args = [] }: StartOptions = {},
): Promise<Instance> {
  const started = performance.now();
  const [node, argv] = autodevCommand('up', '--data', data, '--port', '0', ...args);
  const child = spawn(node, argv, {
    cwd: machine.folder,
    env: machine.env,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const lines: string[] = [];
  const ready = Promise.withResolvers<string>();
  for (const stream of [child.stdout, child.stderr]) {
    createInterface(stream).on('line', (line) => {
      lines.push(line);
      if (line.startsWith(READY)) {
        ready.resolve(line.slice(READY.length).trim());
      }
    });
  }
  const ended = once(child, 'exit');
  child.once('exit', (code, signal) => lines.push(`(ended: ${code ?? signal})`));
  const log = (): string => lines.join('\n');
  const group = (signal: NodeJS.Signals): void => {
    if (child.pid !== undefined && child.exitCode === null && child.signalCode === null) {
      process.kill(-child.pid, signal);
    }
  };

  const url = await Promise.race([
    ready.promise,
    ended.then(() => Promise.reject(new Error(`it ended before it was ready:\n${log()}`))),
    once(AbortSignal.timeout(READY_WITHIN_MS), 'abort').then(() => {
      throw new Error(`it was not ready within ${READY_WITHIN_MS} ms:\n${log()}`);
    }),
  ]).catch((error: unknown) => {
    group('SIGKILL');
    throw error;
  });
  const readyMs = performance.now() - started;
  const token = (await readFile(path.join(data, 'token'), 'utf8')).trim();

  const stop = async (signal: NodeJS.Signals = 'SIGINT') => {
    const at = performance.now();
    group(signal);
    const timer = AbortSignal.timeout(STOP_WITHIN_MS);
    timer.addEventListener('abort', () => group('SIGKILL'));
    await ended;
    return { code: child.exitCode, ms: performance.now() - at };
  };
  return {
    url,
    token,
    data,
    readyMs,
    cli: (...args) => machine.autodev('--data', data, ...args),
    api: async <Answer>(route: string) => {
      const answer = await fetch(`${url}/api/v1${route}`, {
        headers: { authorization: `Bearer ${token}` },
      });
      const text = await answer.text();
      if (!answer.ok) {
        throw new Error(`GET ${route} answered ${answer.status}: ${text}`);
      }
      const body: Answer = JSON.parse(text);
      return body;
    },
    stop,
    kill9: async () => {
      group('SIGKILL');
      await ended;
    },
    log,
    async [Symbol.asyncDispose]() {
      await stop();
    },
  };
}

interface Fixtures {
  $file: { machine: Machine; started: Instance[]; instances: Instances };
  $test: { logOnFailure: undefined };
}

const SHOWN_LINES = 40;

/** Starts instances on the machine of a test file; those that still run at its end are stopped. */
type Instances = (options?: StartOptions) => Promise<Instance>;

/** vitest's `test` with a machine of its own for each file, which is clean again at the end. */
export const test = base.extend<Fixtures>({
  machine: [
    async ({}, use) => {
      await using machine = await openMachine();
      await use(machine);
    },
    { scope: 'file' },
  ],
  started: [async ({}, use) => use([]), { scope: 'file' }],
  instances: [
    async ({ machine, started }, use) => {
      await using stack = new AsyncDisposableStack();
      await use(async (options) => {
        const instance = stack.use(await startInstance(machine, options));
        started.push(instance);
        return instance;
      });
    },
    { scope: 'file' },
  ],
  logOnFailure: [
    async ({ started, onTestFailed }, use) => {
      onTestFailed(() => {
        for (const { url, log } of started) {
          const last = log().split('\n').slice(-SHOWN_LINES).join('\n');
          process.stderr.write(`\n=== the end of the log of ${url}\n${last}\n`);
        }
      });
      await use(undefined);
    },
    { auto: true },
  ],
});

/** Every job that fits, oldest first. */
export async function listJobs(
  { api }: Instance,
  filter: Readonly<Record<string, string>> = {},
): Promise<Job[]> {
  const query = new URLSearchParams({ limit: '200', ...filter });
  const { jobs } = await api<{ jobs: Job[] }>(`/jobs?${query}`);
  return jobs.toReversed();
}

/** `autodev run REPO builder TASK`, or another agent; answers the new job. */
export async function runJob(
  { cli }: Instance,
  repo: string,
  task: string,
  agent = 'builder',
): Promise<Job> {
  const { code, stdout, stderr } = await cli('run', repo, agent, task, '-o', 'json');
  if (code !== 0) {
    throw new Error(`autodev run ended with ${code}: ${stderr}`);
  }
  const job: Job = JSON.parse(stdout);
  return job;
}

const FINAL = ['succeeded', 'failed', 'cancelled', 'rejected'];

/** Waits until the job is in one of `states`; one that ended otherwise fails with its reason and the log. */
export async function untilJob(
  instance: Instance,
  id: string,
  states: readonly string[],
  options?: { withinMs?: number },
): Promise<Job> {
  const job = await until(
    `${id} is ${states.join(' or ')}`,
    () => instance.api<Job>(`/jobs/${id}`),
    ({ state }) => states.includes(state) || FINAL.includes(state),
    options,
  );
  if (!states.includes(job.state)) {
    throw new Error(
      `${id} is ${job.state} (${job.reason}: ${job.detail}), not ${states.join(' or ')}`,
    );
  }
  return job;
}

/** The first job that fits, once there is one. */
export async function untilSomeJob(
  instance: Instance,
  filter: Readonly<Record<string, string>>,
): Promise<Job> {
  const jobs = await until(
    `a job of ${new URLSearchParams(filter)}`,
    () => listJobs(instance, filter),
    (found) => found.length > 0,
  );
  const [job] = jobs;
  if (job === undefined) {
    throw new Error('there is none');
  }
  return job;
}
