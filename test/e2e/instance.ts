import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { createInterface } from 'node:readline';

import { inject } from 'vitest';

import type { Machine, Ran } from './machine.ts';
import { autodevCommand } from './machine.ts';

const READY = 'Auto-Dev is ready: ';
const READY_WITHIN_MS = 45_000;
const STOP_WITHIN_MS = 20_000;
const LOG_WITHIN_MS = 45_000;

/** A running `autodev up`, used as people and programs use it. */
export interface Instance extends AsyncDisposable {
  readonly url: string;
  readonly token: string;
  /** The data directory. */
  readonly data: string;
  /** From the start of the process to the line that says that it is ready. */
  readonly readyMs: number;
  /** `autodev …` against this instance. */
  readonly cli: (...argv: string[]) => Promise<Ran>;
  /** The answer of GET `/api/v1` + `path`. */
  readonly api: <Answer>(path: string) => Promise<Answer>;
  /** Sends the signal to the process group, as a terminal does; answers the exit code and how long it took. */
  stop(signal?: NodeJS.Signals): Promise<{ code: number | null; ms: number }>;
  /** SIGKILL to the whole process group. */
  kill9(): Promise<void>;
  /** What it printed. */
  readonly log: () => string;
  /** Resolves at the first line, printed already or later, that `pattern` matches. */
  untilLog(pattern: RegExp): Promise<void>;
}

export interface StartOptions {
  /** Default: `data` in the folder of the machine. */
  readonly data?: string;
  /** Arguments of `up` beside `--data` and `--port`. */
  readonly args?: readonly string[];
  /** The checkout that is started; default: this one. */
  readonly checkout?: string;
}

/** Where no box can be made (said once, at the start of the run), workers run without one. */
export function sandboxArgs(): string[] {
  return inject('available').bubblewrap ? [] : ['--unsafe-no-sandbox'];
}

/** Starts `autodev up` and waits until it says that it is ready. */
export async function startInstance(
  machine: Machine,
  { data = path.join(machine.folder, 'data'), args = [], checkout }: StartOptions = {},
): Promise<Instance> {
  const started = performance.now();
  const up = ['up', '--data', data, '--port', '0', ...args];
  const [node, argv] = autodevCommand(up, checkout);
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
      printed.dispatchEvent(new Event('line'));
      if (line.startsWith(READY)) {
        ready.resolve(line.slice(READY.length).trim());
      }
    });
  }
  const printed = new EventTarget();
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
    cli: (...rest) => machine.autodev('--data', data, ...rest),
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
    async untilLog(pattern) {
      const signal = AbortSignal.timeout(LOG_WITHIN_MS);
      while (!lines.some((line) => pattern.test(line))) {
        await once(printed, 'line', { signal });
      }
    },
    async [Symbol.asyncDispose]() {
      await stop();
    },
  };
}
