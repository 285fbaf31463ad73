import { basename, dirname } from 'node:path';

import type { Clock } from '../kernel/clock.ts';
import { AppError } from '../kernel/errors.ts';
import { codexParser } from './codex-parser.ts';
import {
  type InstalledProgram,
  probeProgram,
  type ProgramPlaces,
  requireProgram,
} from './installed-program.ts';
import type { Effort, ProgramBind, Provider } from './provider.ts';
import { splitRole } from './split-role.ts';

const CODEX: InstalledProgram = {
  title: 'Codex',
  name: 'codex',
  variable: 'CODEX_BIN',
  measured: '0.169.0',
  npmPackage: '@openai/codex',
  natives: ['@openai/codex-*/vendor/*/bin/codex'],
};

const PROGRAM_INSIDE = '/opt/codex';
/** Below HOME. It must be there before the start, and not below /tmp. */
const CODEX_HOME = '.codex';
const TOKEN_VARIABLE = 'AUTODEV_LLM_TOKEN';

/** What we do not want of it: other people's code, side channels, and parts that wait without an end. */
const DISABLED = [
  'plugins',
  'apps',
  'unbounded_connection_retries',
  'multi_agent',
  'goals',
  'image_generation',
  'memories',
];

/** OpenAI's Codex command-line program, as 0.169.0 was measured. */
export function codexProvider({
  clock,
  places,
}: {
  readonly clock: Clock;
  readonly places: ProgramPlaces;
}): Provider {
  return {
    name: 'codex',
    kind: () => 'metered',
    probe: (signal) => probeProgram(CODEX, places, signal),
    buildCommand({ model: asked }, context) {
      const model = asked ?? context.model;
      const { gateway, home, resume } = context;
      if (gateway === undefined || model === undefined) {
        const lacks = gateway === undefined ? 'gateway' : 'model';
        throw new AppError('INVALID_REQUEST', `Codex cannot be started without a ${lacks}`, {
          remedy: 'Name a model: providers: [{ name: codex, model: … }]',
        });
      }
      const { role, prompt } = splitRole(context);
      return {
        file: `${PROGRAM_INSIDE}/bin/codex`,
        argv: [
          ['exec', ...(resume ? ['resume'] : []), '--json', '--skip-git-repo-check'],
          ['--ignore-user-config', '--ignore-rules', '-m', model],
          configOf({ role, effort: context.effort }, gateway.url).flatMap((set) => ['-c', set]),
          DISABLED.flatMap((feature) => ['--disable', feature]),
          resume ? [resume.sessionId] : [],
          '-', // the prompt comes by stdin
        ].flat(),
        env: { CODEX_HOME: `${home}/${CODEX_HOME}`, [TOKEN_VARIABLE]: gateway.token },
        home: [
          // Makes the folder; it is told not to read it.
          { path: `${CODEX_HOME}/config.toml`, content: '', mode: 0o600 },
          ...(resume ? [resume.file] : []),
        ],
        stdin: prompt,
        programs: [bindOf(requireProgram(CODEX, places))],
      };
    },
    sessionPlace: (sessionId) => ({
      folder: `${CODEX_HOME}/sessions`,
      suffix: `-${sessionId}.jsonl`,
    }),
    newParser: ({ model: asked }, { model, used } = {}) =>
      codexParser({ clock }, { model: asked ?? model, used }),
  };
}

function configOf(
  { role, effort }: { readonly role: string; readonly effort: Effort | undefined },
  gatewayUrl: string,
): readonly string[] {
  const provider = {
    name: toml('autodev'),
    base_url: toml(`${gatewayUrl}/v1`),
    env_key: toml(TOKEN_VARIABLE),
    wire_api: toml('responses'),
    // Whether and when to try again is decided by the runner; by itself it would go on for minutes.
    request_max_retries: '1',
    stream_max_retries: '1',
    stream_idle_timeout_ms: '120000',
  };
  const config = {
    model_provider: toml('autodev'),
    'model_providers.autodev': `{${membersOf(provider).join(',')}}`,
    // Its own box inside of ours fails each tool call, and it still ends with 0.
    sandbox_mode: toml('danger-full-access'),
    approval_policy: toml('never'),
    web_search: toml('disabled'),
    'analytics.enabled': 'false',
    check_for_update_on_startup: 'false',
    // Commands get what the runner sets for the worker, and not the token.
    shell_environment_policy: `{inherit="all",ignore_default_excludes=true,exclude=["${TOKEN_VARIABLE}"]}`,
    ...(role !== '' && { developer_instructions: toml(role) }),
    ...(effort && { model_reasoning_effort: toml(effort) }),
  };
  return membersOf(config);
}

function membersOf(table: Readonly<Record<string, string>>): string[] {
  return Object.entries(table).map(([key, value]) => `${key}=${value}`);
}

/** A basic string of TOML: JSON's, but for two things that JSON leaves as they are. */
function toml(text: string): string {
  return JSON.stringify(text.toWellFormed()).replaceAll('\u007F', String.raw`\u007F`);
}

/** Its package has what it needs beside the program; a program that stands alone is shown alone. */
function bindOf(file: string): ProgramBind {
  const home = dirname(dirname(file));
  return basename(dirname(home)) === 'vendor'
    ? { host: home, at: PROGRAM_INSIDE }
    : { host: file, at: `${PROGRAM_INSIDE}/bin/codex` };
}
