import { COMMANDS } from './command-table.ts';
import type { Surroundings } from './context.ts';
import { plain } from './output.ts';

const VALUE_FLAGS = new Set(['-o', '--output', '--data', '--url', '--token']);

/**
 * Runs one command and resolves with its exit code; rejects only with what is a bug. `argv` is what stands
 * behind the program's name.
 */
export async function runCli(argv: readonly string[], around: Surroundings): Promise<number> {
  const { stderr } = around;
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
  // The command line library costs 8 ms to load, which the help and the version need not wait for.
  const { runCommand } = await import('./run-command.ts');
  return runCommand(command, argv, around);
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
  const { helpPage } = await import('./help.ts');
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
