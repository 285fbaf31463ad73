import { Command, CommanderError, Option } from 'commander';

import { AppError } from '../kernel/errors.ts';
import { COMMANDS } from './command-table.ts';
import type { Act, Context, Surroundings } from './context.ts';
import { GLOBAL_OPTIONS, helpPage } from './help.ts';
import { createOutput, plain } from './output.ts';

const INTERRUPTED = 130;
const VALUE_FLAGS = new Set(['-o', '--output', '--data', '--url', '--token']);

interface GlobalOptions {
  output?: 'text' | 'json';
  data?: string;
  url?: string;
  token?: string;
}

/**
 * Runs one command and resolves with its exit code; rejects only with what is a bug. `argv` is what stands
 * behind the program's name.
 */
export async function runCli(argv: readonly string[], around: Surroundings): Promise<number> {
  const { stdout, stderr, signal } = around;
  const name = firstOperand(argv);
  if (name === undefined || name === 'help') {
    return runWithoutCommand(argv, around);
  }

  const command = COMMANDS.find((entry) => entry.name === name);
  if (command === undefined) {
    stderr.write(`error: there is no command ${plain(name)}${await suggestion(name)}\n`);
    stderr.write('  `autodev --help` lists them all\n');
    return 64;
  }

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
    return report(error, { stdout, stderr, json: wantsJson(argv), signal });
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
    .showSuggestionAfterError();
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

async function runWithoutCommand(argv: readonly string[], around: Surroundings): Promise<number> {
  const { stdout } = around;
  const at = argv.indexOf('help');
  const topic = at === -1 ? undefined : argv[at + 1];
  if (topic !== undefined) {
    return runCli([topic, '--help'], around);
  }
  if (argv.includes('-V') || argv.includes('--version')) {
    const { version } = await import('./version.ts');
    stdout.write(`${version}\n`);
    return 0;
  }
  const unknown = argv.find((arg) => arg.startsWith('-') && !isKnownFlag(arg));
  if (unknown !== undefined) {
    around.stderr.write(
      `error: unknown option ${plain(unknown)}\n  \`autodev --help\` lists them\n`,
    );
    return 64;
  }
  stdout.write(helpPage());
  return 0;
}

function isKnownFlag(arg: string): boolean {
  const [name = ''] = arg.split('=', 1);
  return VALUE_FLAGS.has(name) || name === '-h' || name === '--help' || name === '-ojson';
}

/** The command's name: the first word that is neither a global option nor the value of one. */
function firstOperand(argv: readonly string[]): string | undefined {
  for (let i = 0; i < argv.length; i += 1) {
    const arg = argv[i] ?? '';
    if (VALUE_FLAGS.has(arg)) {
      i += 1;
    } else if (!arg.startsWith('-')) {
      return arg;
    }
  }
  return undefined;
}

function wantsJson(argv: readonly string[]): boolean {
  return argv.some(
    (arg, i) =>
      arg === '-ojson' ||
      arg === '--output=json' ||
      ((arg === '-o' || arg === '--output') && argv[i + 1] === 'json'),
  );
}

/** The nearest command within a third of its letters, as a question. */
async function suggestion(name: string): Promise<string> {
  const { closest, distance } = await import('fastest-levenshtein');
  const nearest = closest(
    name,
    COMMANDS.map((entry) => entry.name),
  );
  return distance(name, nearest) <= Math.max(1, Math.floor(nearest.length / 3) + 1)
    ? `; did you mean \`autodev ${nearest}\`?`
    : '';
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
