import { dirname } from 'node:path';

import { expect, test } from 'vitest';

import { codexProvider } from './codex.ts';
import { openProgramFolder } from './program-fixture.ts';
import type { Provider, WorkContext } from './provider.ts';
import { fixedClock } from './recorded-fixture.ts';

const CONTEXT: WorkContext = {
  cwd: '/workspace',
  home: '/home/worker',
  role: 'You are a "builder".\n',
  prompt: 'Make it say two.',
  model: 'gpt-5.4',
  gateway: { url: 'http://127.0.0.1:8088', token: 'of-this-attempt' },
};
const SESSION = '01a203c4-0000-7c81-b129-bb739a7f71d3';

function openCodex(): { provider: Provider; program: string } & Disposable {
  const machine = openProgramFolder();
  const program = machine.install('vendor/musl/bin/codex', 'echo codex-cli 0.169.0');
  const places = { ...machine.places, given: program };
  return {
    program,
    provider: codexProvider({ clock: fixedClock, places }),
    [Symbol.dispose]: () => machine[Symbol.dispose](),
  };
}

test('it is started in a box of ours, without one of its own, on the gateway alone', () => {
  using codex = openCodex();

  const command = codex.provider.buildCommand({ name: 'codex' }, CONTEXT);

  expect(command.file).toBe('/opt/codex/bin/codex');
  expect(command.argv.slice(0, 2)).toEqual(['exec', '--json']);
  expect(command.argv.at(-1)).toBe('-');
  expect(command.argv).toEqual(
    expect.arrayContaining([
      'sandbox_mode="danger-full-access"',
      'web_search="disabled"',
      'developer_instructions="You are a \\"builder\\".\\n"',
      expect.stringContaining('base_url="http://127.0.0.1:8088/v1",env_key="AUTODEV_LLM_TOKEN"'),
    ]),
  );
  expect(command.env).toEqual({
    CODEX_HOME: '/home/worker/.codex',
    AUTODEV_LLM_TOKEN: 'of-this-attempt',
  });
});

test('neither the prompt, nor the token, nor a path of this machine is an argument', () => {
  using codex = openCodex();

  const { argv, stdin } = codex.provider.buildCommand({ name: 'codex' }, CONTEXT);

  expect(stdin).toBe('Make it say two.');
  expect(argv.join(' ')).not.toContain('Make it say two.');
  expect(argv.join(' ')).not.toContain('of-this-attempt');
  expect(argv.join(' ')).not.toContain(dirname(codex.program));
});

test('its home is there before it starts, and the box shows its package', () => {
  using codex = openCodex();

  const { home, programs } = codex.provider.buildCommand({ name: 'codex' }, CONTEXT);

  expect(home).toEqual([{ path: '.codex/config.toml', content: '', mode: 0o600 }]);
  expect(programs).toEqual([{ host: dirname(dirname(codex.program)), at: '/opt/codex' }]);
});

test('a session is resumed from its one file', () => {
  using codex = openCodex();
  const place = codex.provider.sessionPlace?.(SESSION);
  const file = {
    path: `.codex/sessions/2026/11/22/rollout-2026-11-22T20-08-12-${SESSION}.jsonl`,
    content: '{}',
    mode: 0o600,
  };

  const command = codex.provider.buildCommand(
    { name: 'codex' },
    { ...CONTEXT, resume: { sessionId: SESSION, file } },
  );

  expect(command.argv.slice(0, 3)).toEqual(['exec', 'resume', '--json']);
  expect(command.argv.slice(-2)).toEqual([SESSION, '-']);
  expect(command.home).toContainEqual(file);
  expect(
    file.path.startsWith(`${place?.folder}/`) && file.path.endsWith(place?.suffix ?? '?'),
  ).toBe(true);
});

test("the file's own model comes first, and effort is asked for", () => {
  using codex = openCodex();

  const { argv } = codex.provider.buildCommand(
    { name: 'codex', model: 'gpt-6.1-sol' },
    { ...CONTEXT, effort: 'high' },
  );

  expect(argv[argv.indexOf('-m') + 1]).toBe('gpt-6.1-sol');
  expect(argv).toContain('model_reasoning_effort="high"');
});

test('a role that is too long for an argument stands in front of the prompt', () => {
  using codex = openCodex();
  const role = 'Be careful. '.repeat(20_000);

  const { argv, stdin } = codex.provider.buildCommand({ name: 'codex' }, { ...CONTEXT, role });

  expect(Math.max(...argv.map(({ length }) => length))).toBeLessThan(128 * 1024);
  expect(stdin).toBe(`${role}\n\nMake it say two.`);
});

test('without a gateway, a model or its program it is not started', () => {
  using codex = openCodex();
  const { gateway: _gateway, ...ungated } = CONTEXT;
  const { model: _model, ...modelless } = CONTEXT;
  const places = { given: '/gone', searchPath: '', folders: [] };
  const gone = codexProvider({ clock: fixedClock, places });

  expect(() => codex.provider.buildCommand({ name: 'codex' }, ungated)).toThrow(
    'without a gateway',
  );
  expect(() => codex.provider.buildCommand({ name: 'codex' }, modelless)).toThrow(
    'without a model',
  );
  expect(() => gone.buildCommand({ name: 'codex' }, CONTEXT)).toThrow(
    expect.objectContaining({ code: 'PROVIDER_UNAVAILABLE' }),
  );
});
