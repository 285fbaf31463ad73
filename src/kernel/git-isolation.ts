/**
 * What every git process of ours gets from around it, and all that it gets beside PATH: nothing of the machine's or
 * a user's configuration, no prompt, no replacement objects, no lock for what only reads, messages in English. Whoever
 * runs git adds what its own place needs.
 */
export const GIT_VARIABLES = {
  HOME: '/nonexistent',
  LC_ALL: 'C',
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_CONFIG_GLOBAL: '/dev/null',
  GIT_ATTR_NOSYSTEM: '1',
  GIT_NO_REPLACE_OBJECTS: '1',
  GIT_OPTIONAL_LOCKS: '0',
  GIT_TERMINAL_PROMPT: '0',
} as const;

/** `key=value` for `-c`: wins over what a repository's own configuration would have run, fetched or cleaned up. */
export const GIT_SETTINGS = [
  'core.hooksPath=/dev/null',
  'core.fsmonitor=false',
  'protocol.allow=never',
  'submodule.recurse=false',
  'gc.auto=0',
  'maintenance.auto=false',
] as const;

/** Arguments for git that set `settings`. */
export function gitFlags(settings: readonly string[]): string[] {
  return settings.flatMap((setting) => ['-c', setting]);
}
