import type { Context, Define } from './context.ts';
import { examples } from './context.ts';
import type { ProcessOptions, Processes } from './processes.ts';

type Plain = {
  [Name in keyof Processes]: Processes[Name] extends (options: ProcessOptions) => Promise<number>
    ? Name
    : never;
}[keyof Processes];

/** A command that is one of the processes and has no options of its own. */
export function processCommand(name: Plain, does: string): Define {
  return (command, act) => {
    command
      .addHelpText('after', examples([does, `autodev ${name}`]))
      .action(act((context) => context.processes[name](processOptions(context))));
  };
}

export function processOptions({
  dataDir,
  cwd,
  env,
  stdout,
  stderr,
  output,
  signal,
}: Context): ProcessOptions {
  return { dataDir, cwd, env, stdout, stderr, json: output.isJson, signal };
}
