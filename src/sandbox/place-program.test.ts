import { chmodSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';

import { expect, test as base } from 'vitest';

import { placeProgram } from './place-program.ts';

const test = base.extend<{ folder: string }>({
  folder: async ({}, use) => {
    const folder = mkdtempSync(join(tmpdir(), 'place-'));
    mkdirSync(join(folder, 'private'), { mode: 0o700 });
    await use(folder);
    rmSync(folder, { recursive: true });
  },
});

test('a program of a private folder is put where all can run it, by a name that says nothing', async ({
  folder,
}) => {
  const program = join(folder, 'private', 'agent');
  mkdirSync(join(program, 'bin'), { recursive: true });
  writeFileSync(join(program, 'bin', 'run'), '#!/bin/sh\n', { mode: 0o755 });
  writeFileSync(join(program, 'private.json'), '{}', { mode: 0o600 });

  const places = await Promise.all([1, 2, 3].map(() => placeProgram(join(folder, 'all'), program)));

  const [place = ''] = places;
  expect(new Set(places).size).toBe(1);
  expect(basename(place)).toMatch(/^[0-9a-f]{16}$/);
  expect(statSync(join(place, 'bin', 'run')).mode & 0o777).toBe(0o755);
  expect(statSync(join(place, 'private.json')).mode & 0o777).toBe(0o644);
  // Its own stays as it was.
  expect(statSync(join(program, 'private.json')).mode & 0o777).toBe(0o600);
});

test('a new version of a program is another one', async ({ folder }) => {
  const program = join(folder, 'private', 'run');
  writeFileSync(program, 'one');
  chmodSync(program, 0o755);
  const first = await placeProgram(join(folder, 'all'), program);
  rmSync(program);
  writeFileSync(program, 'another', { mode: 0o755 });

  expect(await placeProgram(join(folder, 'all'), program)).not.toBe(first);
});
