/** What every command takes: flags, and what they are. */
export const GLOBAL_OPTIONS = [
  ['-o, --output <format>', 'text, or json for scripts (then people read standard error)'],
  ['--data <dir>', 'the data directory (default: .autodev-data here or above)'],
  ['--url <url>', 'where Auto-Dev runs (AUTODEV_URL)'],
  ['--token <token>', "its token (AUTODEV_TOKEN; default: the data directory's)"],
] as const;
