import { COMMANDS, GROUPS } from './command-table.ts';
import { GLOBAL_OPTIONS } from './global-options.ts';

/** The page of `autodev --help`, from the table: no command is loaded for it. */
export function helpPage(): string {
  const groups = Object.entries(GROUPS).map(([group, title]) => {
    const lines = COMMANDS.filter((command) => command.group === group).map(
      ({ name, summary }) => `  ${name.padEnd(14)}${summary}`,
    );
    return `${title}\n${lines.join('\n')}\n`;
  });
  const options = GLOBAL_OPTIONS.map(([flags, text]) => `  ${flags.padEnd(24)}${text}`);

  return `Auto-Dev: what is merged is what runs.

Usage: autodev <command> [options]

${groups.join('\n')}
Options
${options.join('\n')}
  ${'-h, --help'.padEnd(24)}help; with a command: its arguments, options and examples
  ${'-V, --version'.padEnd(24)}the version

Exit codes: 0 ok, 1 error, 2 plan with changes, 3 invalid config, 4 policy violation, 5 a --wait ran out,
64 usage, 130 after Ctrl-C
`;
}
