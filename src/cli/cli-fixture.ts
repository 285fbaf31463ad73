import { PassThrough } from 'node:stream';

import { systemClock } from '../kernel/clock.ts';
import { AppError } from '../kernel/errors.ts';
import type { Processes } from './processes.ts';
import { runCli } from './run-cli.ts';

interface RunOptions {
  cwd?: string;
  env?: NodeJS.ProcessEnv;
  signal?: AbortSignal;
  processes?: Partial<Processes>;
  /** Called with everything that was printed so far, whenever something is. */
  onOutput?: (text: string) => void;
}

interface Ran {
  code: number;
  stdout: string;
  stderr: string;
}

const unexpected = (): Promise<number> =>
  Promise.reject(new AppError('USAGE', 'this test expects no process'));

const noProcesses: Processes = {
  up: unexpected,
  migrate: unexpected,
  doctor: unexpected,
  reconciler: unexpected,
  scheduler: unexpected,
  orchestrator: unexpected,
  dashboard: unexpected,
  webhook: unexpected,
  runner: unexpected,
};

/** Runs one command in this process, as `bin/autodev.js` would in its own. */
export async function run(
  argv: readonly string[],
  {
    cwd = '/',
    env = {},
    signal = new AbortController().signal,
    processes = {},
    onOutput = () => {},
  }: RunOptions = {},
): Promise<Ran> {
  const stdout = collect(onOutput);
  const stderr = collect(onOutput);
  const code = await runCli(argv, {
    env: { PATH: process.env['PATH'], ...env },
    cwd,
    stdout: stdout.stream,
    stderr: stderr.stream,
    clock: systemClock,
    signal,
    processes: { ...noProcesses, ...processes },
  });
  return { code, stdout: stdout.text(), stderr: stderr.text() };
}

/** Commands against one server. */
export function runOn(url: string, token: string) {
  return (...argv: string[]): Promise<Ran> =>
    run(argv, { env: { AUTODEV_URL: url, AUTODEV_TOKEN: token } });
}

function collect(onOutput: (text: string) => void): { stream: PassThrough; text: () => string } {
  const stream = new PassThrough();
  let text = '';
  stream.setEncoding('utf8');
  stream.on('data', (part: string) => {
    text += part;
    onOutput(text);
  });
  return { stream, text: () => text };
}
