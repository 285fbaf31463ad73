import type { Clock } from '../kernel/clock.ts';
import { AppError } from '../kernel/errors.ts';
import { claudeParser } from './claude-parser.ts';
import {
  type InstalledProgram,
  probeProgram,
  type ProgramPlaces,
  requireProgram,
} from './installed-program.ts';
import type { Provider } from './provider.ts';
import { splitRole } from './split-role.ts';

const CLAUDE: InstalledProgram = {
  title: 'Claude Code',
  name: 'claude',
  variable: 'CLAUDE_BIN',
  measured: '2.1.330',
  npmPackage: '@anthropic-ai/claude-code',
  natives: ['@anthropic-ai/claude-code-*/claude'],
};

const PROGRAM_INSIDE = '/opt/claude/claude';
/** Below HOME. */
const CONFIG_DIR = '.claude';
/** Left out: sub-agents, schedules, messages, the web. A second `--tools` would not override this one. */
const TOOLS = 'Bash,Read,Edit,Write,Glob,Grep';
const DEFAULT_TURNS = 50;

/** Anthropic's Claude Code command-line program, as 2.1.330 was measured. */
export function claudeProvider({
  clock,
  places,
}: {
  readonly clock: Clock;
  readonly places: ProgramPlaces;
}): Provider {
  return {
    name: 'claude',
    kind: () => 'metered',
    // It then closes its session before it ends.
    stopSignal: 'SIGINT',
    probe: (signal) => probeProgram(CLAUDE, places, signal),
    buildCommand({ model: asked }, context) {
      const { gateway, home, resume, effort, maxTurns = DEFAULT_TURNS } = context;
      const model = asked ?? context.model;
      if (gateway === undefined || model === undefined) {
        const lacks = gateway === undefined ? 'gateway' : 'model';
        throw new AppError('INVALID_REQUEST', `Claude Code cannot be started without a ${lacks}`, {
          remedy: 'Name a model: providers: [{ name: claude, model: … }]',
        });
      }
      const { role, prompt } = splitRole(context);
      return {
        file: PROGRAM_INSIDE,
        argv: [
          ['-p', '--output-format', 'stream-json', '--verbose', '--model', model],
          role === '' ? [] : ['--append-system-prompt', role],
          // Settings of the repository could name hooks, which are programs.
          ['--setting-sources', '', '--strict-mcp-config'],
          // The box is the boundary. In any other mode what nobody permits is denied, and it still ends with 0.
          ['--permission-mode', 'bypassPermissions', '--tools', TOOLS],
          ['--max-turns', String(maxTurns)],
          effort ? ['--effort', effort] : [],
          resume ? ['--resume', resume.sessionId] : [],
        ].flat(),
        env: {
          ANTHROPIC_BASE_URL: gateway.url,
          ANTHROPIC_API_KEY: gateway.token,
          CLAUDE_CONFIG_DIR: `${home}/${CONFIG_DIR}`,
          // Whether and when to try again is decided by the runner; by itself it would go on for minutes.
          CLAUDE_CODE_MAX_RETRIES: '1',
          CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: '1',
          DISABLE_AUTOUPDATER: '1',
          DISABLE_TELEMETRY: '1',
          DISABLE_ERROR_REPORTING: '1',
        },
        home: resume ? [resume.file] : [],
        stdin: prompt,
        programs: [{ host: requireProgram(CLAUDE, places), at: PROGRAM_INSIDE }],
      };
    },
    sessionPlace: (sessionId) => ({
      folder: `${CONFIG_DIR}/projects`,
      suffix: `/${sessionId}.jsonl`,
    }),
    newParser: () => claudeParser({ clock }),
  };
}
