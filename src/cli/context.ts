import type { Command } from 'commander';

import type { Clock } from '../kernel/clock.ts';
import type { ApiClient } from './api-client.ts';
import type { Output, TextStream } from './output.ts';
import type { Processes } from './processes.ts';

/** What is around a command: given by `main/`, or by a test. */
export interface Surroundings {
  env: NodeJS.ProcessEnv;
  cwd: string;
  stdout: TextStream & NodeJS.WritableStream;
  stderr: TextStream & NodeJS.WritableStream;
  clock: Clock;
  /** Aborts at Ctrl-C and SIGTERM. */
  signal: AbortSignal;
  processes: Processes;
}

/** What a command works with. */
export interface Context extends Surroundings {
  output: Output;
  /** The data directory as `--data` gave it. */
  dataDir: string | undefined;
  /** Finds the server and its token. Throws UNAVAILABLE where none runs. */
  connect: () => Promise<ApiClient>;
}

/**
 * Makes a commander action of a function that gets its context first. It resolves with an exit code where that
 * is another than 0.
 */
export type Act = <Args extends unknown[]>(
  work: (context: Context, ...args: Args) => Promise<number | void>,
) => (...args: [...Args, Command]) => Promise<void>;

/** What each file of `commands/` exports as `define`: its arguments, options, examples and what it does. */
export type Define = (command: Command, act: Act) => void;

/** The examples at the end of a command's help, as `[what it does, what to type]`. */
export function examples(...lines: (readonly [string, string])[]): string {
  return `\nExamples:\n${lines.map(([does, type]) => `  # ${does}\n  $ ${type}\n`).join('')}`;
}
