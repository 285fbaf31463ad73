/** A command as a shell completes it. */
export interface Completed {
  name: string;
  summary: string;
  options: { flag: string; description: string }[];
}

const GLOBAL = ['--output', '--data', '--url', '--token', '--help'];

/** A script that the shell reads once; it knows names and options and asks nobody while you type. */
export function completionScript(
  shell: 'bash' | 'zsh' | 'fish',
  commands: readonly Completed[],
): string {
  switch (shell) {
    case 'bash':
      return bash(commands);
    case 'zsh':
      return zsh(commands);
    case 'fish':
      return fish(commands);
    default:
      return shell satisfies never;
  }
}

function bash(commands: readonly Completed[]): string {
  const cases = commands.map(({ name, options }) => `    ${name}) words="${flags(options)}" ;;`);
  return `_autodev() {
  local word="\${COMP_WORDS[COMP_CWORD]}" words
  if [ "$COMP_CWORD" -eq 1 ]; then
    COMPREPLY=($(compgen -W "${commands.map(({ name }) => name).join(' ')}" -- "$word"))
    return
  fi
  case "\${COMP_WORDS[1]}" in
${cases.join('\n')}
    *) words="" ;;
  esac
  if [ "\${word#-}" != "$word" ]; then
    COMPREPLY=($(compgen -W "$words ${GLOBAL.join(' ')}" -- "$word"))
  else
    COMPREPLY=($(compgen -f -- "$word"))
  fi
}
complete -F _autodev autodev
`;
}

function zsh(commands: readonly Completed[]): string {
  const names = commands.map(({ name, summary }) => `    ${quote(`${name}:${summary}`)}`);
  const cases = commands.map(
    ({ name, options }) => `    ${name}) compadd -- ${flags(options)} ${GLOBAL.join(' ')} ;;`,
  );
  return `#compdef autodev
_autodev() {
  local -a commands
  commands=(
${names.join('\n')}
  )
  if (( CURRENT == 2 )); then
    _describe command commands
    return
  fi
  if [[ "\${words[CURRENT]}" != -* ]]; then
    _files
    return
  fi
  case "\${words[2]}" in
${cases.join('\n')}
  esac
}
compdef _autodev autodev
`;
}

function fish(commands: readonly Completed[]): string {
  const lines = commands.flatMap(({ name, summary, options }) => [
    `complete -c autodev -n __fish_use_subcommand -a ${name} -d ${quote(summary)}`,
    ...options.map(
      ({ flag, description }) =>
        `complete -c autodev -n '__fish_seen_subcommand_from ${name}' -l ${flag.slice(2)} -d ${quote(description)}`,
    ),
  ]);
  return `${lines.join('\n')}\n`;
}

function flags(options: Completed['options']): string {
  return options.map(({ flag }) => flag).join(' ');
}

/** For all three shells: single quotes, with those inside taken out of them. */
function quote(text: string): string {
  return `'${text.replaceAll("'", String.raw`'\''`)}'`;
}
