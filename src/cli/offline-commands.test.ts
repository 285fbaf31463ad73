import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { expect, onTestFinished, test } from 'vitest';

import { run } from './cli-fixture.ts';
import { COMMANDS } from './command-table.ts';

async function folder(files: Record<string, string> = {}): Promise<string> {
  const dir = await mkdtemp(path.join(tmpdir(), 'autodev-cli-'));
  onTestFinished(() => rm(dir, { recursive: true }));
  for (const [name, text] of Object.entries(files)) {
    await writeFile(path.join(dir, name), text);
  }
  return dir;
}

async function repository(files: Record<string, string> = {}): Promise<string> {
  const dir = await folder(files);
  execFileSync('git', ['init', '-q', dir]);
  return dir;
}

const VALID =
  'version: 1\nagents: { bug-finder: {}, builder: {} }\nschedules:\n  nightly: { agent: bug-finder, cron: "0 2 * * *" }\n';

test('a valid file ends with 0 and says what it holds', async () => {
  const cwd = await folder({ 'autodev.yaml': VALID });

  const { code, stdout } = await run(['validate'], { cwd });

  expect(code).toBe(0);
  expect(stdout).toContain('✔ autodev.yaml is valid: 2 agents, 1 schedules, 0 triggers');
});

test('an invalid file ends with 3, with line, column and remedy', async () => {
  const cwd = await folder({ 'autodev.yaml': VALID.replace('cron', 'corn') });

  const text = await run(['validate'], { cwd });
  const json = await run(['validate', '-o', 'json'], { cwd });
  const quality = await run(['validate', '--format', 'gitlab-codequality'], { cwd });

  expect([text.code, json.code, quality.code]).toEqual([3, 3, 3]);
  expect(text.stdout).toMatch(/^autodev\.yaml:4:\d+: error\[/m);
  expect(JSON.parse(json.stdout)[0]).toMatchObject({
    file: 'autodev.yaml',
    line: 4,
    severity: 'error',
  });
  expect(JSON.parse(quality.stdout)[0]).toMatchObject({ fingerprint: expect.any(String) });
});

test('--resolved prints the file with every default', async () => {
  const cwd = await folder({ 'autodev.yaml': VALID });

  const { stdout } = await run(['validate', '--resolved'], { cwd });
  await writeFile(path.join(cwd, 'autodev.yaml'), stdout);
  const again = await run(['validate', '--resolved'], { cwd });
  const json = await run(['validate', '--resolved', '-o', 'json'], { cwd });

  expect(stdout).toContain('      wall: 45m\n');
  expect(again.stdout).toBe(stdout);
  expect(JSON.parse(json.stdout)).toMatchObject({
    agents: { builder: { limits: { attempts: 3, usd: 3 } } },
  });
});

test('a file that is not there is a usage error that names init', async () => {
  const cwd = await folder();

  const { code, stderr } = await run(['validate', 'none.yaml'], { cwd });

  expect(code).toBe(64);
  expect(stderr).toContain('autodev init');
});

test('a link out of the repository counts as a missing file', async () => {
  const config = VALID.replace('builder: {}', 'builder: { instructions: { file: notes.md } }');
  const cwd = await folder({ 'autodev.yaml': config });
  await symlink('/etc/hostname', path.join(cwd, 'notes.md'));

  const { code, stdout } = await run(['validate'], { cwd });

  expect(code).toBe(3);
  expect(stdout).toContain('file_not_found');
});

test.for([
  [{ 'package.json': '{"scripts": {"test": "vitest"}}', 'package-lock.json': '{}' }, 'npm test'],
  [{ 'Cargo.toml': '' }, 'cargo test'],
  [{ Makefile: 'all:\n\ntest:\n\ttrue\n' }, 'make test'],
] as const)('init writes a valid file with the test command of %j', async ([files, check]) => {
  const cwd = await repository({ ...files });

  const init = await run(['init'], { cwd });
  const validate = await run(['validate'], { cwd });

  expect(init.code).toBe(0);
  expect(await readFile(path.join(cwd, '.autodev/bug-finder.mjs'), 'utf8')).toContain(
    `const TESTS = "${check}";`,
  );
  expect(validate).toMatchObject({ code: 0, stdout: expect.not.stringContaining('warning') });
});

test('the first agent files an issue with what the tests printed, or says that all is well', async () => {
  const cwd = await repository({ Makefile: 'test:\n\t@echo no luck; test -e good\n' });
  await run(['init'], { cwd });
  const outputs = path.join(cwd, 'outputs.jsonl');
  const agent = (): unknown => {
    execFileSync(process.execPath, ['.autodev/bug-finder.mjs'], {
      cwd,
      env: { PATH: process.env['PATH'], AUTODEV_OUTPUTS: outputs },
    });
    return JSON.parse(readFileSync(outputs, 'utf8').trim().split('\n').at(-1) ?? '');
  };

  expect(agent()).toMatchObject({
    type: 'issue',
    title: 'make test fails',
    description: expect.stringContaining('no luck'),
  });
  writeFileSync(path.join(cwd, 'good'), '');
  expect(agent()).toEqual({ type: 'noop', reason: 'All tests pass.' });
});

test('init without a known test command says to set one', async () => {
  const cwd = await repository({
    'package.json': '{"scripts": {"test": "echo \\"Error: no test specified\\" && exit 1"}}',
  });

  const { code, stdout } = await run(['init'], { cwd });
  const validate = await run(['validate'], { cwd });

  expect(code).toBe(0);
  expect(stdout).toContain('No test command was found');
  expect(validate.code).toBe(0);
});

test('init replaces nothing unless it is told to, and needs a git repository', async () => {
  const cwd = await repository({ 'autodev.yaml': 'mine' });
  const outside = await folder();

  const kept = await run(['init'], { cwd });
  const forced = await run(['init', '--force'], { cwd });
  const nowhere = await run(['init'], {
    cwd: outside,
    env: { GIT_CEILING_DIRECTORIES: path.dirname(outside) },
  });

  expect(kept).toMatchObject({ code: 1, stderr: expect.stringContaining('--force') });
  expect(forced.code).toBe(0);
  expect(nowhere).toMatchObject({ code: 64, stderr: expect.stringContaining('no git repository') });
});

test('schema prints the JSON Schema', async () => {
  const { code, stdout } = await run(['schema']);

  expect(code).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({ properties: { version: {} } });
});

test('rehearse shows what an agent would be given', async () => {
  const cwd = await folder({ 'autodev.yaml': VALID });

  const page = await run(['rehearse', 'builder', '--task', 'Make rounding exact'], { cwd });
  const json = await run(['rehearse', 'bug-finder', '-o', 'json'], { cwd });
  const absent = await run(['rehearse', 'pm'], { cwd });

  expect(page.stdout).toContain('builder would be given');
  expect(page.stdout).toContain('"task": "Make rounding exact"');
  expect(page.stdout).toMatch(/\/workspace {2}may be written\n[^]*\/task {2}may be read/);
  expect(JSON.parse(json.stdout)).toMatchObject({
    agent: 'bug-finder',
    task: {
      job: 'j_1',
      agent: 'bug-finder',
      task: expect.stringMatching(/\w/),
      role: expect.stringMatching(/\w/),
      repo: { path: path.basename(cwd) },
    },
    box: {
      folders: expect.arrayContaining([{ at: '/mirror', writable: false }]),
      variables: expect.arrayContaining(['AUTODEV_TASK_FILE', 'AUTODEV_OUTPUTS', 'PATH']),
      network: [],
    },
    limits: { attempts: 3 },
    outputs: { issue: {}, hand_off: {} },
  });
  expect(absent).toMatchObject({ code: 1, stderr: expect.stringContaining('does not list pm') });
});

test('policy test says whether a policy is valid, and what it grants to a repository', async () => {
  const cwd = await folder({
    'good.yaml':
      'version: 1\nrules:\n  - repos: ["group/**"]\n    allow: true\n    command: true\n',
    'bad.yaml': 'version: 1\nrules:\n  - repos: ["**"]\n    alow: true\n',
  });

  const good = await run(['policy', 'test', '--file', 'good.yaml', 'group/app', 'other'], { cwd });
  const json = await run(['policy', 'test', '--file', 'good.yaml', 'other', '-o', 'json'], { cwd });
  const bad = await run(['policy', 'test', '--file', 'bad.yaml'], { cwd });

  expect(good.code).toBe(0);
  expect(good.stdout).toMatch(/group\/app[^]*allow +true +good\.yaml:4 \(rule 1\)/);
  expect(good.stdout).toMatch(/other[^]*allow +false +built in/);
  expect(JSON.parse(json.stdout)).toMatchObject({ valid: true, repos: [{ repo: 'other' }] });
  expect(bad).toMatchObject({ code: 3, stdout: expect.stringMatching(/bad\.yaml:4:/) });
});

test('rehearse shows the prompt where a model is behind the agent, and none for a script', async () => {
  const script = 'providers: [{ name: command, run: [node, fix.mjs], llm: false }]';
  const cwd = await folder({
    'autodev.yaml': `version: 1\nagents:\n  builder: {}\n  tester: { ${script} }\n`,
  });

  const model = await run(['rehearse', 'builder', '--task', 'Make rounding exact'], { cwd });
  const program = await run(['rehearse', 'tester', '-o', 'json'], { cwd });

  expect(model.stdout).toMatch(/Its prompt\nYou are the Builder of the repository/u);
  expect(model.stdout).toMatch(/# Your task\n\nMake rounding exact\n$/u);
  expect(JSON.parse(program.stdout)).toMatchObject({ prompt: null });
});

test('rehearse of an invalid file ends with 3', async () => {
  const cwd = await folder({ 'autodev.yaml': 'version: 1\nagent: {}\n' });

  const { code, stderr } = await run(['rehearse', 'builder'], { cwd });

  expect(code).toBe(3);
  expect(stderr).toContain('✖ error');
});

test.for(['bash', 'zsh', 'fish'])('completion for %s knows every command', async (shell) => {
  const { code, stdout } = await run(['completion', shell]);

  expect(code).toBe(0);
  for (const { name } of COMMANDS) {
    expect(stdout).toContain(name);
  }
  expect(stdout).toContain('detailed-exitcode');
});

test('bash completes commands and options with the script', async () => {
  const { stdout } = await run(['completion', 'bash']);
  const complete = (words: string): string =>
    execFileSync(
      'bash',
      [
        '-c',
        `${stdout}\nCOMP_WORDS=(${words}); COMP_CWORD=$((\${#COMP_WORDS[@]}-1)); _autodev; echo "\${COMPREPLY[@]}"`,
      ],
      { encoding: 'utf8' },
    );

  expect(complete('autodev app')).toBe('approvals approve\n');
  expect(complete('autodev plan --de')).toBe('--detailed-exitcode\n');
});
