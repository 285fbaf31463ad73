import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { execa } from 'execa';
import { expect, onTestFinished, test } from 'vitest';

const PROGRAM = path.join(import.meta.dirname, 'main.ts');

test('two runs write the same bytes, and nothing of an earlier one stays', async () => {
  const [one, two] = [await folder(), await folder()];
  await writeFile(path.join(two, '65-scaling.yaml'), 'an earlier one');

  const { stdout } = await synth('--env', 'prod', '--out', one);
  await synth('--env', 'prod', '--out', two);

  expect(await contents(two)).toEqual(await contents(one));
  expect(Object.keys(await contents(one))[0]).toBe('10-secrets.yaml');
  expect(stdout).toMatch(/^110 objects in 8 files: \S+ \(\d+ ms\)$/);
});

test('for a cluster nothing is written while something is to be filled in', async () => {
  const out = await folder();

  const { exitCode, stderr } = await synth('--env', 'prod', '--out', out, '--deploy');

  expect(exitCode).toBe(3);
  expect(stderr).toMatch(
    /^cdk8s\/env\/prod\.yaml:\d+:\d+ aws\.secrets_role: error: .*\n {2}Make the role/m,
  );
  expect(await readdir(out)).toEqual([]);
});

test('an environment that is not there is told with those that are', async () => {
  const { exitCode, stderr } = await synth('--env', 'staging');

  expect(exitCode).toBe(64);
  expect(stderr).toContain('dev, prod');
});

test('the checklist names each secret with its keys, the role with its policy, and every address', async () => {
  const { exitCode, stdout } = await synth('--env', 'prod', '--checklist');

  expect(exitCode).toBe(0);
  for (const name of ['database', 'gitlab', 'llm', 'oidc', 'qdrant', 'redis', 'registry']) {
    expect(stdout).toMatch(new RegExp(`^ {6}auto-dev/prod/${name}\\n {8}\\w+ `, 'm'));
  }
  expect(stdout).toContain('system:serviceaccount:auto-dev:secret-reader');
  expect(stdout).toContain('secretsmanager:GetSecretValue');
  expect(stdout).toContain('https://auto-dev.kaas.nimbus.amgen.com/webhook');
  expect(stdout).toMatch(/write_token +token of the bot: scope api/);
});

function synth(...argv: string[]) {
  return execa(process.execPath, [PROGRAM, ...argv], { reject: false, stdin: 'ignore' });
}

async function folder(): Promise<string> {
  const made = await mkdtemp(path.join(tmpdir(), 'auto-dev-synth-'));
  onTestFinished(() => rm(made, { recursive: true, force: true }));
  return made;
}

async function contents(from: string): Promise<Record<string, string>> {
  const names = (await readdir(from)).sort();
  const texts = await Promise.all(names.map((name) => readFile(path.join(from, name), 'utf8')));
  return Object.fromEntries(names.map((name, i) => [name, texts[i] ?? '']));
}
