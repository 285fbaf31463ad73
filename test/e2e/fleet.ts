import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { createInterface } from 'node:readline';

import { inject } from 'vitest';

import type { Machine, Ran } from './machine.ts';
import { autodevCommand } from './machine.ts';

const READY_WITHIN_MS = 60_000;
const STOP_WITHIN_MS = 30_000;
/** A dashboard says where it listens; the others, that they have started. */
const READY = { dashboard: 'Auto-Dev is ready: ', other: '"msg":"started"' };

export type ProcessRole = 'reconciler' | 'scheduler' | 'orchestrator' | 'dashboard' | 'runner';

/** One process of Auto-Dev as a deployment runs it, with a data directory of its own that outlives it. */
export interface FleetProcess extends AsyncDisposable {
  readonly role: ProcessRole;
  readonly name: string;
  /** SIGKILL to it alone, not to what it started; resolves when it is gone. */
  kill9(): Promise<void>;
  /** Starts it again on its data directory; resolves when it is ready. */
  start(): Promise<void>;
  readonly log: () => string;
}

/** The API of one dashboard. */
export interface Dashboard extends FleetProcess {
  readonly url: () => string;
  /** The answer of a request to `/api/v1` + `route`; throws for anything but a success. */
  readonly api: <Answer>(route: string, body?: object) => Promise<Answer>;
  /** The text of a GET. */
  readonly read: (route: string) => Promise<string>;
  /** `autodev …` against it. */
  readonly cli: (...argv: string[]) => Promise<Ran>;
}

interface FleetOptions {
  readonly machine: Machine;
  /** DATABASE_URL and what else all processes share. */
  readonly env: Readonly<Record<string, string>>;
}

/** Starts one process and waits until it is ready. */
export async function startProcess(
  { machine, env }: FleetOptions,
  { role, name, args = [] }: { role: ProcessRole; name: string; args?: readonly string[] },
): Promise<FleetProcess & { url: () => string; data: string }> {
  const data = path.join(machine.folder, name);
  await mkdir(data, { recursive: true, mode: 0o711 });
  const lines: string[] = [];
  let child: ChildProcess | undefined;
  let url = '';

  const start = async (): Promise<void> => {
    const [node, argv] = autodevCommand(['--data', data, role, ...args]);
    const mark = role === 'dashboard' ? READY.dashboard : READY.other;
    const started = spawn(node, argv, {
      cwd: data,
      env: { ...machine.env, ...env, AUTODEV_PORT: '0', ...sandboxEnv() },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    child = started;
    const ready = Promise.withResolvers<void>();
    for (const stream of [started.stdout, started.stderr]) {
      createInterface(stream).on('line', (line) => {
        lines.push(line);
        if (line.includes(mark)) {
          url = role === 'dashboard' ? line.slice(mark.length).trim() : '';
          ready.resolve();
        }
      });
    }
    started.once('exit', (code, signal) => {
      lines.push(`(ended: ${code ?? signal})`);
      ready.reject(new Error(`${name} ended before it was ready:\n${lines.join('\n')}`));
    });
    const late = AbortSignal.timeout(READY_WITHIN_MS);
    late.addEventListener('abort', () =>
      ready.reject(new Error(`${name} is not ready:\n${lines.join('\n')}`)),
    );
    await ready.promise;
  };
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    if (child?.exitCode === null && child.signalCode === null) {
      const exited = once(child, 'exit');
      child.kill(signal);
      await exited;
    }
  };

  await start();
  return {
    role,
    name,
    data,
    url: () => url,
    start,
    kill9: () => end('SIGKILL'),
    log: () => lines.join('\n'),
    async [Symbol.asyncDispose]() {
      const late = AbortSignal.timeout(STOP_WITHIN_MS);
      late.addEventListener('abort', () => child?.kill('SIGKILL'));
      await end('SIGTERM');
    },
  };
}

/** Starts a dashboard and answers it with its API. */
export async function startDashboard(options: FleetOptions, name: string): Promise<Dashboard> {
  const started = await startProcess(options, { role: 'dashboard', name });
  const token = (await readFile(path.join(started.data, 'token'), 'utf8')).trim();
  const call = async (route: string, body?: object): Promise<string> => {
    const answer = await fetch(`${started.url()}/api/v1${route}`, {
      method: body === undefined ? 'GET' : 'POST',
      headers: {
        authorization: `Bearer ${token}`,
        ...(body !== undefined && { 'content-type': 'application/json' }),
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    const text = await answer.text();
    if (!answer.ok) {
      throw new Error(`${route} answered ${answer.status}: ${text}`);
    }
    return text;
  };
  return {
    ...started,
    cli: (...argv) => options.machine.autodev('--data', started.data, ...argv),
    read: (route) => call(route),
    api: async <Answer>(route: string, body?: object) => {
      const answer: Answer = JSON.parse(await call(route, body));
      return answer;
    },
  };
}

/** Where no box can be made (said once, at the start of the run), workers run without one. */
function sandboxEnv(): Record<string, string> {
  return inject('available').bubblewrap ? {} : { AUTODEV_SANDBOX: 'off' };
}
