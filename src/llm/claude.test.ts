import { expect, test } from 'vitest';

import { claudeProvider } from './claude.ts';
import { openProgramFolder } from './program-fixture.ts';
import type { Provider, WorkContext } from './provider.ts';
import { fixedClock } from './recorded-fixture.ts';

const CONTEXT: WorkContext = {
  cwd: '/workspace',
  home: '/home/worker',
  role: 'You are a builder.',
  prompt: 'Make it say two.',
  model: 'claude-sonnet-4-6',
  maxTurns: 7,
  gateway: { url: 'http://127.0.0.1:8088', token: 'of-this-attempt' },
};
const SESSION = '6cb47076-b495-424c-8ccc-a4f15fd21c9b';

function openClaude(): { provider: Provider; program: string } & Disposable {
  const machine = openProgramFolder();
  const program = machine.install('bin/claude', 'echo "2.1.330 (Claude Code)"');
  return {
    program,
    provider: claudeProvider({ clock: fixedClock, places: machine.places }),
    [Symbol.dispose]: () => machine[Symbol.dispose](),
  };
}

/** The argument after `option`. */
function valueOf(argv: readonly string[], option: string): string | undefined {
  return argv[argv.indexOf(option) + 1];
}

test('it is started with six tools, nothing of the repository, and the gateway alone', () => {
  using claude = openClaude();

  const { file, argv, env, programs } = claude.provider.buildCommand({ name: 'claude' }, CONTEXT);

  expect(file).toBe('/opt/claude/claude');
  expect(valueOf(argv, '--tools')).toBe('Bash,Read,Edit,Write,Glob,Grep');
  expect(valueOf(argv, '--setting-sources')).toBe('');
  expect(valueOf(argv, '--permission-mode')).toBe('bypassPermissions');
  expect(valueOf(argv, '--max-turns')).toBe('7');
  expect(valueOf(argv, '--append-system-prompt')).toBe('You are a builder.');
  expect(argv).toContain('--strict-mcp-config');
  expect(env).toMatchObject({
    ANTHROPIC_BASE_URL: 'http://127.0.0.1:8088',
    ANTHROPIC_API_KEY: 'of-this-attempt',
    CLAUDE_CONFIG_DIR: '/home/worker/.claude',
    CLAUDE_CODE_MAX_RETRIES: '1',
  });
  expect(programs).toEqual([{ host: claude.program, at: '/opt/claude/claude' }]);
});

test('neither the prompt, nor the token, nor a path of this machine is an argument', () => {
  using claude = openClaude();

  const { argv, stdin } = claude.provider.buildCommand({ name: 'claude' }, CONTEXT);

  expect(stdin).toBe('Make it say two.');
  expect(argv.join(' ')).not.toContain('Make it say two.');
  expect(argv.join(' ')).not.toContain('of-this-attempt');
  expect(argv.join(' ')).not.toContain(claude.program);
});

test('a session is resumed from its one file', () => {
  using claude = openClaude();
  const place = claude.provider.sessionPlace?.(SESSION);
  const path = `.claude/projects/-workspace/${SESSION}.jsonl`;
  const file = { path, content: '{}', mode: 0o600 };

  const command = claude.provider.buildCommand(
    { name: 'claude' },
    { ...CONTEXT, resume: { sessionId: SESSION, file } },
  );

  expect(valueOf(command.argv, '--resume')).toBe(SESSION);
  expect(command.home).toEqual([file]);
  expect(path.startsWith(`${place?.folder}/`) && path.endsWith(place?.suffix ?? '?')).toBe(true);
});

test("the file's own model comes first, and effort is asked for", () => {
  using claude = openClaude();

  const { argv } = claude.provider.buildCommand(
    { name: 'claude', model: 'claude-opus-4-6' },
    { ...CONTEXT, effort: 'high' },
  );

  expect(valueOf(argv, '--model')).toBe('claude-opus-4-6');
  expect(valueOf(argv, '--effort')).toBe('high');
});

test('without a gateway or a model it is not started', () => {
  using claude = openClaude();
  const { gateway: _gateway, ...ungated } = CONTEXT;
  const { model: _model, ...modelless } = CONTEXT;

  expect(() => claude.provider.buildCommand({ name: 'claude' }, ungated)).toThrow(
    'without a gateway',
  );
  expect(() => claude.provider.buildCommand({ name: 'claude' }, modelless)).toThrow(
    'without a model',
  );
});
