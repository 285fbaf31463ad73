import { AppError } from '../kernel/errors.ts';

/** The variables that a command needs to find its server; what they mean stands in settings.ts. */
const NAMES = ['AUTODEV_DATA', 'AUTODEV_URL', 'AUTODEV_TOKEN'] as const;

export type ClientSettings = Partial<Record<(typeof NAMES)[number], string>>;

/**
 * The same rules as `readSettings` for those alone: a variable that is wrong for a server must not keep `autodev
 * status` from working, and the schema library that settings.ts needs costs more than the rest of a command
 * (measured: 190 of 300 ms).
 *
 * @throws SETTINGS_INVALID naming the variable, never its value
 */
export function readClientSettings(
  env: Readonly<Record<string, string | undefined>>,
  { readFile }: { readFile: (path: string) => string },
): ClientSettings {
  const settings: ClientSettings = {};
  for (const name of NAMES) {
    const value = env[name];
    const file = env[`${name}_FILE`];
    if (value && file) {
      throw new AppError('SETTINGS_INVALID', `${name} and ${name}_FILE are both set`, {
        remedy: 'Unset one of them.',
      });
    }
    const read = file ? readSecret(name, { file, readFile }) : value;
    if (read) {
      settings[name] = read;
    }
  }
  if (settings.AUTODEV_URL !== undefined && !URL.canParse(settings.AUTODEV_URL)) {
    throw new AppError('SETTINGS_INVALID', 'AUTODEV_URL is not valid', {
      remedy: 'Write it as http://127.0.0.1:8080, or unset it.',
    });
  }
  return settings;
}

function readSecret(
  name: string,
  { file, readFile }: { file: string; readFile: (path: string) => string },
): string {
  try {
    return readFile(file).trim();
  } catch (cause) {
    throw new AppError('SETTINGS_INVALID', `${name}_FILE: ${file} cannot be read`, {
      cause,
      remedy: `Mount the file, or set ${name}.`,
    });
  }
}
