import { Argument, Command } from 'commander';

import { COMMANDS } from '../command-table.ts';
import type { Completed } from '../completion-scripts.ts';
import { completionScript } from '../completion-scripts.ts';
import type { Act, Context, Define } from '../context.ts';
import { examples } from '../context.ts';

const SHELLS = ['bash', 'zsh', 'fish'] as const;

export const define: Define = (command, act) => {
  command
    .addArgument(new Argument('<shell>', 'which shell').choices(SHELLS))
    .addHelpText(
      'after',
      examples(
        ['bash, in ~/.bashrc', 'source <(autodev completion bash)'],
        ['zsh, in ~/.zshrc', 'source <(autodev completion zsh)'],
        ['fish', 'autodev completion fish > ~/.config/fish/completions/autodev.fish'],
      ),
    )
    .action(act(printCompletion));
};

async function printCompletion({ stdout }: Context, shell: (typeof SHELLS)[number]): Promise<void> {
  stdout.write(completionScript(shell, await Promise.all(COMMANDS.map(describe))));
}

/** The long options of a command, as it defines them. */
async function describe({ name, summary, load }: (typeof COMMANDS)[number]): Promise<Completed> {
  const command = new Command(name);
  const nothing: Act = () => async () => {};
  (await load()).define(command, nothing);
  return {
    name,
    summary,
    options: command.options.flatMap(({ long, description }) =>
      long === undefined || long === null ? [] : [{ flag: long, description }],
    ),
  };
}
