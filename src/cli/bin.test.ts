import { spawnSync } from 'node:child_process';
import { copyFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { expect, onTestFinished, test } from 'vitest';

const BIN = path.join(import.meta.dirname, '../../bin/autodev.js');

function autodev(...argv: string[]) {
  const env = { PATH: process.env['PATH'], HOME: tmpdir(), TMPDIR: tmpdir() };
  return spawnSync(process.execPath, [BIN, ...argv], { encoding: 'utf8', env, cwd: tmpdir() });
}

/** A Node that says it is 20, whatever it is: the version is all that the file looks at. */
async function oldNode(): Promise<string[]> {
  const dir = await mkdtemp(path.join(tmpdir(), 'autodev-bin-'));
  onTestFinished(() => rm(dir, { recursive: true }));
  const pretend = path.join(dir, 'pretend.cjs');
  await writeFile(
    pretend,
    `if (!process.env.PRETENDED) {
       Object.defineProperty(process, 'version', { value: 'v20.0.0' });
       Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '20.0.0' } });
       process.env.PRETENDED = '1';
     }`,
  );
  return ['--require', pretend];
}

test('it runs the source as it is', () => {
  const { status, stdout } = autodev('--version');

  expect(status).toBe(0);
  expect(stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
});

test('exit codes come through', () => {
  expect(autodev('nonsense').status).toBe(64);
  expect(autodev('status').status).toBe(1);
});

test('an older Node hands over to the one that came with the packages', async () => {
  const [flag = '', pretend = ''] = await oldNode();

  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [flag, pretend, BIN, 'validate', 'none.yaml', '-o', 'json'],
    { encoding: 'utf8', cwd: tmpdir() },
  );

  expect(status).toBe(64);
  expect(JSON.parse(stdout)).toMatchObject({ error: { code: 'USAGE' } });
  expect(stderr).toContain('none.yaml cannot be read');
});

test('an older Node without one says what to do, and ends with 1', async () => {
  const dir = await mkdtemp(path.join(tmpdir(), 'autodev-bin-'));
  onTestFinished(() => rm(dir, { recursive: true }));
  await mkdir(path.join(dir, 'a/b/bin'), { recursive: true });
  await writeFile(path.join(dir, 'a/b/package.json'), '{"type": "module"}');
  const bin = path.join(dir, 'a/b/bin/autodev.js');
  await copyFile(BIN, bin);
  const [flag = '', pretend = ''] = await oldNode();

  const { status, stderr } = spawnSync(process.execPath, [flag, pretend, bin], {
    encoding: 'utf8',
  });

  expect(status).toBe(1);
  expect(stderr).toContain('needs Node 24 or newer, this is v20.0.0');
  expect(stderr).toContain('npm ci');
});
