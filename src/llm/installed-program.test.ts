import { join } from 'node:path';

import { expect, test } from 'vitest';

import { findProgram, type InstalledProgram, probeProgram } from './installed-program.ts';
import { openProgramFolder } from './program-fixture.ts';

const PROGRAM: InstalledProgram = {
  title: 'The Thinker',
  name: 'thinker',
  variable: 'THINKER_BIN',
  measured: '1.2.3',
  npmPackage: '@maker/thinker',
  natives: ['@maker/thinker-*/vendor/*/bin/thinker'],
};

const never = new AbortController().signal;

test('the measured version is usable as it is', async () => {
  using machine = openProgramFolder();
  const file = machine.install('bin/thinker', 'echo "thinker-cli 1.2.3"');

  const probed = await probeProgram(PROGRAM, machine.places, never);

  expect(probed).toEqual({ usable: true, detail: `1.2.3, ${file}` });
});

test('another version is usable, with a word of warning', async () => {
  using machine = openProgramFolder();
  machine.install('bin/thinker', 'echo "1.3.0 (The Thinker)"');

  const probed = await probeProgram(PROGRAM, machine.places, never);

  expect(probed).toMatchObject({
    usable: true,
    detail: expect.stringMatching(/^1\.3\.0,/),
    warning: expect.stringContaining('npm install --global @maker/thinker@1.2.3'),
  });
});

test('one that is not there, and a name that leads nowhere, say what to do', async () => {
  using machine = openProgramFolder();
  const given = join(machine.folder, 'gone');

  const nowhere = await probeProgram(PROGRAM, machine.places, never);
  const misnamed = await probeProgram(PROGRAM, { ...machine.places, given }, never);

  expect(nowhere).toMatchObject({
    usable: false,
    reason: 'The Thinker is not installed: no `thinker` on the PATH',
    remedy: expect.stringMatching(/npm install .*@maker\/thinker@1\.2\.3.*THINKER_BIN/),
  });
  expect(misnamed).toMatchObject({
    usable: false,
    reason: expect.stringContaining(given),
    remedy: expect.stringContaining('THINKER_BIN'),
  });
});

test('one that cannot start, or says no version, is not usable', async () => {
  using machine = openProgramFolder();
  machine.install('bin/thinker', 'echo broken >&2; exit 3');
  machine.install('silent/thinker', 'echo hello');
  const searchPath = `${join(machine.folder, 'silent')}:/usr/bin:/bin`;

  const failing = await probeProgram(PROGRAM, machine.places, never);
  const silent = await probeProgram(PROGRAM, { ...machine.places, searchPath }, never);

  expect(failing).toMatchObject({ usable: false, reason: expect.stringContaining('exit code 3') });
  expect(silent).toMatchObject({ usable: false, reason: expect.stringContaining('hello') });
});

test('it is started with nothing of ours in its environment', async () => {
  using machine = openProgramFolder();
  machine.install('bin/thinker', 'echo "1.2.3"; test -z "$HOME" || exit 1');

  expect(await probeProgram(PROGRAM, machine.places, never)).toMatchObject({ usable: true });
});

test.for([
  ['flat', 'lib/node_modules/@maker/thinker-linux/vendor/musl/bin/thinker'],
  [
    'nested',
    'lib/node_modules/@maker/thinker/node_modules/@maker/thinker-linux/vendor/musl/bin/thinker',
  ],
])('behind the script that npm installs is the program itself: %s', ([, native = '']) => {
  using machine = openProgramFolder();
  const script = machine.install('lib/node_modules/@maker/thinker/bin/thinker.js', 'exit 1');
  machine.link('bin/thinker', script);
  const program = machine.install(native, 'echo 1.2.3');

  expect(findProgram(PROGRAM, machine.places)).toBe(program);
});

test('the script alone is no program', () => {
  using machine = openProgramFolder();
  const script = machine.install('lib/node_modules/@maker/thinker/bin/thinker.js', 'exit 1');
  machine.link('bin/thinker', script);

  expect(findProgram(PROGRAM, machine.places)).toBeUndefined();
});

test('the first of the PATH wins, then the folders beside it', () => {
  using machine = openProgramFolder();
  const own = machine.install('own/thinker', 'echo 1.2.3');
  const places = { ...machine.places, folders: [join(machine.folder, 'own')] };

  const alone = findProgram(PROGRAM, places);
  const onPath = machine.install('bin/thinker', 'echo 1.2.3');

  expect(alone).toBe(own);
  expect(findProgram(PROGRAM, places)).toBe(onPath);
});
