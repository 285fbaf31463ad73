import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';

import { AppError } from '../kernel/errors.ts';
import type { CommandEntry } from './command-table.ts';
import type { Act, Context, Surroundings } from './context.ts';
import { GLOBAL_OPTIONS } from './global-options.ts';
import { createOutput, plain } from './output.ts';

const INTERRUPTED = 130;

interface GlobalOptions {
  output?: 'text' | 'json';
  data?: string;
  url?: string;
  token?: string;
}

/** Reads a command's arguments and runs it; resolves with its exit code, rejects only with what is a bug. */
export async function runCommand(
  command: CommandEntry,
  argv: readonly string[],
  around: Surroundings,
): Promise<number> {
  const { stdout, stderr, signal } = around;
  let exitCode: number | undefined;
  const act: Act = <Args extends unknown[]>(
    work: (context: Context, ...args: Args) => Promise<number | void>,
  ) => {
    return async (...all: [...Args, Command]) => {
      // commander passes the arguments, then the options, then the command itself.
      const called: unknown = all.at(-1);
      const options: GlobalOptions = called instanceof Command ? called.optsWithGlobals() : {};
      const ended: number | undefined = await Reflect.apply(work, undefined, [
        contextOf(around, options),
        ...all.slice(0, -1),
      ]);
      exitCode = ended;
    };
  };

  const program = createProgram(around);
  const { define } = await command.load();
  const defined = program.command(command.name).description(command.summary);
  define(defined, act);
  defined.configureHelp({ showGlobalOptions: true });

  try {
    await program.parseAsync(argv, { from: 'user' });
  } catch (error) {
    return report(printable(error), { stdout, stderr, json: wantsJson(argv), signal });
  }
  return exitCode ?? (signal.aborted ? INTERRUPTED : 0);
}

function createProgram({ stdout, stderr }: Surroundings): Command {
  const program = new Command('autodev')
    .exitOverride()
    .configureOutput({
      writeOut: (text) => void stdout.write(text),
      writeErr: (text) => void stderr.write(text),
    })
    .showSuggestionAfterError()
    .showHelpAfterError();
  for (const [flags, text] of GLOBAL_OPTIONS) {
    const option = new Option(flags, text);
    program.addOption(flags.includes('--output') ? option.choices(['text', 'json']) : option);
  }
  return program;
}

function contextOf(around: Surroundings, { output, data, url, token }: GlobalOptions): Context {
  const { env, cwd, stdout, stderr, signal } = around;
  return {
    ...around,
    dataDir: data,
    output: createOutput({ stdout, stderr, env, json: output === 'json' }),
    connect: async () => {
      const { connect } = await import('./connect.ts');
      return connect({ cwd, env, signal, dataDir: data, url, token });
    },
  };
}

function wantsJson(argv: readonly string[]): boolean {
  return argv.some(
    (arg, i) =>
      arg === '-ojson' ||
      arg === '--output=json' ||
      ((arg === '-o' || arg === '--output') && argv[i + 1] === 'json'),
  );
}

/** commander prints what it refuses itself; a parser of ours that a command calls later must be printed by us. */
function printable(error: unknown): unknown {
  return error instanceof InvalidArgumentError
    ? new AppError('USAGE', error.message, { cause: error })
    : error;
}

interface ReportOptions extends Pick<Surroundings, 'stdout' | 'stderr' | 'signal'> {
  json: boolean;
}

/** Tells people (and scripts) what went wrong. A bug is thrown on, for `main/` to print with its stack. */
function report(error: unknown, { stdout, stderr, json, signal }: ReportOptions): number {
  if (error instanceof CommanderError) {
    // Help and version are no failures; commander has printed the others.
    return error.exitCode === 0 ? 0 : 64;
  }
  if (signal.aborted && !(error instanceof AppError && error.code !== 'UNAVAILABLE')) {
    return INTERRUPTED;
  }
  if (!(error instanceof AppError)) {
    throw error;
  }
  const { code, message, remedy, exitCode } = error;
  if (json) {
    stdout.write(`${JSON.stringify({ error: { code, detail: message, remedy } }, undefined, 2)}\n`);
  }
  stderr.write(`error: ${plain(message)} [${code}]\n`);
  if (remedy !== undefined) {
    stderr.write(`  ${plain(remedy)}\n`);
  }
  return exitCode;
}
