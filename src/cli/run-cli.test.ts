import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { Command } from 'commander';
import { expect, onTestFinished, test } from 'vitest';

import { AppError } from '../kernel/errors.ts';
import { run } from './cli-fixture.ts';
import { COMMANDS } from './command-table.ts';

test('--help lists every command by what it is for', async () => {
  const { code, stdout } = await run(['--help']);

  expect(code).toBe(0);
  for (const { name, summary } of COMMANDS) {
    expect(stdout).toMatch(new RegExp(`^  ${name} +${summary.replaceAll(/[()?]/g, '.')}$`, 'm'));
  }
});

test.for(COMMANDS.map(({ name }) => name))('the help of %s has examples', async (name) => {
  const { code, stdout } = await run([name, '--help']);

  expect(code).toBe(0);
  expect(stdout).toContain(`Usage: autodev ${name}`);
  expect(stdout).toMatch(/Examples:\n  # .+\n  \$ .+/);
  expect(stdout).toContain('--output <format>');
});

test.for([
  ['jbos', 'jobs'],
  ['aprove', 'approve'],
  ['valdiate', 'validate'],
])('%s asks whether %s was meant', async ([typed = '', meant]) => {
  const { code, stderr } = await run([typed]);

  expect(code).toBe(64);
  expect(stderr).toContain(`did you mean \`autodev ${meant}\`?`);
});

test('a name that is near to nothing gets no suggestion', async () => {
  const { code, stderr } = await run(['xylophone']);

  expect(code).toBe(64);
  expect(stderr).not.toContain('did you mean');
});

test.for([
  [['--nonsense']],
  [['jobs', '--nonsense']],
  [['job']],
  [['job', '12']],
  [['job', 'j_1', 'j_2']],
  [['jobs', '--agent', 'writer']],
  [['jobs', '--limit', '0']],
  [['jobs', '-o', 'xml']],
  [['pause', '--until', 'yesterday']],
  [['pause', '--until', '2020-01-01']],
  [['run', 'demo', 'builder', '']],
  [['reject', 'g_1']],
  [['run', 'demo', 'builder']],
  [['grant', 'j_1', '--usd', '-3']],
])('%j is a usage error', async ([argv = []]) => {
  const { code, stderr } = await run(argv);

  expect(code).toBe(64);
  expect(stderr).toMatch(/^error: /);
});

test.for(COMMANDS.map(({ name }) => name))('%s says why it refuses what is wrong', async (name) => {
  const cwd = await mkdtemp(path.join(tmpdir(), 'autodev-'));
  onTestFinished(() => rm(cwd, { recursive: true }));
  const { options, registeredArguments } = await definitionOf(name);
  const operands = registeredArguments.filter(({ required }) => required).map(() => '?');
  const wrong = [
    ['--nonsense'],
    operands,
    [...operands, ...Array.from({ length: 5 }, () => '?')],
    ...options.map(({ long, required }) => [...operands, long ?? '', ...(required ? ['?'] : [])]),
  ];

  const ends = [];
  for (const argv of wrong) {
    const { code, stderr } = await run([name, ...argv], { cwd });
    ends.push({ argv, ok: code === 0, said: stderr !== '' });
  }

  expect(ends.filter(({ ok, said }) => !ok && !said)).toEqual([]);
  expect(ends[0]).toMatchObject({ ok: false, said: true });
});

test('the version is that of the package', async () => {
  const { code, stdout } = await run(['--version']);

  expect(code).toBe(0);
  expect(stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
});

test('where no server runs, the message says how to start one', async () => {
  const { code, stdout, stderr } = await run(['status']);

  expect(code).toBe(1);
  expect(stdout).toBe('');
  expect(stderr).toBe(
    'error: Auto-Dev is not running here [UNAVAILABLE]\n' +
      '  start it with `npm start`, or say where it runs with --data or --url\n',
  );
});

test('a server that went away is told apart by its address', async () => {
  const { code, stderr } = await run(['status', '--url', 'http://127.0.0.1:1']);

  expect(code).toBe(1);
  expect(stderr).toContain('Auto-Dev is not running at http://127.0.0.1:1');
});

test('with -o json an error is JSON on standard output, wherever the option stands', async () => {
  const before = await run(['-o', 'json', 'status']);
  const after = await run(['status', '--output=json']);

  expect(JSON.parse(before.stdout)).toMatchObject({ error: { code: 'UNAVAILABLE' } });
  expect(after.stdout).toBe(before.stdout);
  expect(before.code).toBe(1);
});

test('the processes get their options, and their exit code is that of the command', async () => {
  const started: unknown[] = [];

  const up = await run(
    ['up', '--repo', 'a', '--repo', 'b', '--port', '0', '--data', '/d', '--unsafe-no-sandbox'],
    {
      processes: {
        up: async ({ repos, port, dataDir, unsafeNoSandbox }) =>
          started.push({ repos, port, dataDir, unsafeNoSandbox }) && 7,
      },
    },
  );
  const runner = await run(['runner', '--agent', 'builder', '--agent', 'pm', '--slots', '3'], {
    processes: { runner: async ({ agents, slots }) => started.push({ agents, slots }) && 0 },
  });

  expect([up.code, runner.code]).toEqual([7, 0]);
  expect(started).toEqual([
    { repos: ['a', 'b'], port: 0, dataDir: '/d', unsafeNoSandbox: true },
    { agents: ['builder', 'pm'], slots: 3 },
  ]);
});

test.for(['migrate', 'doctor', 'reconciler', 'scheduler', 'orchestrator', 'dashboard'] as const)(
  '%s starts what main gave for it',
  async (name) => {
    const { code } = await run([name, '--data', '/d'], {
      processes: {
        [name]: async ({ dataDir }: { dataDir?: string }) => (dataDir === '/d' ? 0 : 1),
      },
    });

    expect(code).toBe(0);
  },
);

test.for([
  ['CONFIG_INVALID', 3],
  ['POLICY_VIOLATION', 4],
  ['TIMEOUT', 5],
  ['USAGE', 64],
  ['CONFLICT', 1],
] as const)('%s ends with %i', async ([code, exit]) => {
  const ran = await run(['doctor'], {
    processes: { doctor: () => Promise.reject(new AppError(code, 'no', { remedy: 'do this' })) },
  });

  expect(ran.code).toBe(exit);
  expect(ran.stderr).toBe(`error: no [${code}]\n  do this\n`);
});

test('Ctrl-C ends a command with 130', async () => {
  const stop = new AbortController();

  const ran = await run(['doctor'], {
    signal: stop.signal,
    processes: {
      doctor: ({ signal }) => {
        stop.abort();
        return Promise.reject(signal.reason);
      },
    },
  });

  expect(ran.code).toBe(130);
});

test('a bug is thrown on', async () => {
  const bug = run(['doctor'], {
    processes: { doctor: () => Promise.reject(new TypeError('oops')) },
  });

  await expect(bug).rejects.toThrow('oops');
});

async function definitionOf(name: string): Promise<Command> {
  const command = new Command(name);
  const { define } = (await COMMANDS.find((entry) => entry.name === name)?.load()) ?? {};
  define?.(command, () => async () => {});
  return command;
}
