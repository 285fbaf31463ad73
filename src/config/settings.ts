import { Type } from 'typebox';
import type { Static } from 'typebox';
import { Value } from 'typebox/value';

import { isJsonObject } from '../domain/canonical-json.ts';
import { AppError } from '../kernel/errors.ts';
import { suggestValue } from './suggest.ts';

const url = (description: string) =>
  Type.Optional(Type.String({ description, pattern: '^[a-z][a-z0-9+.-]*://[^\\s]+$' }));
const text = (description: string) => Type.Optional(Type.String({ description, minLength: 1 }));
const port = (description: string) => Type.Integer({ description, minimum: 0, maximum: 65_535 });

/** Every variable of the environment that the product reads. Any of them may come as `<NAME>_FILE`. */
const Environment = Type.Object({
  AUTODEV_DATA: text('Data directory; unset: `.autodev-data` here or in the nearest parent.'),
  AUTODEV_HOST: Type.String({ description: 'Address to listen on.', default: '127.0.0.1' }),
  AUTODEV_PORT: Type.Integer({ ...port('Port of dashboard, API and webhook.'), default: 8080 }),
  AUTODEV_METRICS_PORT: Type.Optional(port('Port of health and metrics; 9090 but in all-in-one.')),
  AUTODEV_GITLAB_RECORD: text('Folder to record GitLab answers in.'),
  AUTODEV_URL: url('The API that commands talk to.'),
  AUTODEV_TOKEN: text('Token for that API.'),
  AUTODEV_POLICY: text('Policy file.'),
  AUTODEV_SANDBOX: Type.Optional(
    Type.String({ description: 'strict, auto or off.', pattern: '^(strict|auto|off)$' }),
  ),
  DATABASE_URL: url('PostgreSQL to use; unset: an embedded one in the data directory.'),
  REDIS_URL: url('Redis for control messages; unset: PostgreSQL.'),
  QDRANT_URL: url('Qdrant for long-term memory; unset: SQLite.'),
  QDRANT_API_KEY: text('Key for Qdrant.'),
  GITLAB_URL: url('GitLab; unset: local repositories alone.'),
  GITLAB_TOKEN: text("Token of the bot's account."),
  GITLAB_WEBHOOK_SECRET: text('Secret that GitLab sends with each event.'),
  GITLAB_WEBHOOK_SIGNING_TOKEN: text('Token that GitLab signs each event with.'),
  CODEX_BIN: text("Codex's program; unset: `codex` on the PATH."),
  CLAUDE_BIN: text("Claude Code's program; unset: `claude` on the PATH."),
  OPENAI_API_KEY: text('Key for Codex.'),
  OPENAI_BASE_URL: url('Where Codex sends its requests.'),
  ANTHROPIC_API_KEY: text('Key for Claude.'),
  ANTHROPIC_BASE_URL: url('Where Claude sends its requests.'),
  EMBEDDINGS_URL: url('Embeddings for long-term memory.'),
  OIDC_ISSUER: url('Who signs people in.'),
  OIDC_CLIENT_ID: text('Our id there.'),
  OIDC_CLIENT_SECRET: text('Our secret there.'),
  OIDC_REDIRECT_URL: url('Where people come back to.'),
  LOG_LEVEL: Type.String({
    description: 'debug, info, warn, error or silent.',
    pattern: '^(debug|info|warn|error|silent)$',
    default: 'info',
  }),
  OTEL_EXPORTER_OTLP_ENDPOINT: url('Where traces go; unset: nowhere.'),
});

type Environment = Static<typeof Environment>;

export interface Settings extends Environment {
  /** `strict` with GitLab, else `auto`, where nobody says otherwise. */
  readonly AUTODEV_SANDBOX: 'strict' | 'auto' | 'off';
  /** The values that came from files, by name of the variable: to be read again when the file changes. */
  readonly files: ReadonlyMap<string, string>;
  /** Variables that begin with AUTODEV_ and mean nothing: a typing error is worth a word in the log. */
  readonly unknown: readonly string[];
}

const NAMES = Object.keys(Environment.properties);
/** What we set for a worker; a command that an agent runs must not stumble over it. */
const OURS = new Set(['AUTODEV_TASK_FILE', 'AUTODEV_OUTPUTS']);

/**
 * Interprets the environment, which nothing else does. An empty variable is an unset one.
 *
 * @param readFile the content of a mounted secret
 * @throws SETTINGS_INVALID naming the variables, never their values
 */
export function readSettings(
  env: Readonly<Record<string, string | undefined>>,
  { readFile }: { readFile: (path: string) => string },
): Settings {
  const values: Record<string, string> = {};
  const files = new Map<string, string>();
  for (const name of NAMES) {
    const value = env[name];
    const file = env[`${name}_FILE`];
    if (value && file) {
      refuse(`${name} and ${name}_FILE are both set`, 'Unset one of them.');
    }
    if (file) {
      files.set(name, file);
      values[name] = readSecret(name, { file, readFile });
    } else if (value) {
      values[name] = value;
    }
  }

  const candidate: unknown = Value.Convert(Environment, Value.Default(Environment, values));
  if (!Value.Check(Environment, candidate)) {
    const names = Value.Errors(Environment, candidate).map(({ instancePath }) =>
      instancePath.slice(1),
    );
    const problems = [...new Set(names)].map((name) => `${name} is not valid (${describe(name)})`);
    return refuse(problems.join('; '), 'Correct it in the environment, or unset it.');
  }
  if (candidate.GITLAB_WEBHOOK_SECRET && candidate.GITLAB_WEBHOOK_SIGNING_TOKEN) {
    refuse(
      'GITLAB_WEBHOOK_SECRET and GITLAB_WEBHOOK_SIGNING_TOKEN are both set',
      'Keep the one that the hook in GitLab uses.',
    );
  }
  return {
    ...candidate,
    AUTODEV_SANDBOX: sandboxMode(candidate),
    files,
    unknown: findUnknown(env),
  };
}

/** The variables with what they mean, for help texts and documentation. */
export function listSettings(): { name: string; description: string }[] {
  return NAMES.map((name) => ({ name, description: describe(name) }));
}

function sandboxMode({ AUTODEV_SANDBOX: mode, GITLAB_URL: gitlab }: Environment) {
  if (gitlab === undefined) {
    return mode === 'strict' || mode === 'off' ? mode : 'auto';
  }
  if (mode !== undefined && mode !== 'strict') {
    refuse(
      `AUTODEV_SANDBOX=${mode} is not accepted with GITLAB_URL`,
      'Unset it: with GitLab every worker runs in a strict sandbox.',
    );
  }
  return 'strict';
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

function findUnknown(env: Readonly<Record<string, string | undefined>>): string[] {
  return Object.keys(env)
    .filter((name) => name.startsWith('AUTODEV_') && !OURS.has(name))
    .filter((name) => !NAMES.includes(name.replace(/_FILE$/, '')))
    .map((name) => {
      const meant = suggestValue(name, NAMES);
      return meant === undefined ? name : `${name} (did you mean ${meant}?)`;
    });
}

function describe(name: string): string {
  const property: unknown = new Map(Object.entries(Environment.properties)).get(name);
  return isJsonObject(property) ? String(property['description']) : '';
}

function refuse(message: string, remedy: string): never {
  throw new AppError('SETTINGS_INVALID', message, { remedy });
}
