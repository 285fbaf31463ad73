import { expect, test } from 'vitest';

import { test as boxedTest } from '../../test/boxed.ts';
import { systemClock } from '../kernel/clock.ts';
import { openBoxFixture } from './box-fixture.ts';
import { chooseSandbox } from './choose-sandbox.ts';

const clock = systemClock;

boxedTest('where bubblewrap works, strict and auto keep workers in a box', async () => {
  await using fixture = await openBoxFixture();

  for (const mode of ['strict', 'auto'] as const) {
    const { sandbox, degraded } = await chooseSandbox({ clock, toolbox: fixture.toolbox }, mode);

    expect(degraded).toBeUndefined();
    expect(sandbox.isolates).toBe(true);
    expect(await sandbox.probe()).toEqual({ available: true, kind: 'bubblewrap' });
  }
});

test('without bubblewrap strict refuses, auto degrades, and both name the package', async () => {
  await using fixture = await openBoxFixture();
  const deps = { clock, toolbox: fixture.toolbox, bwrap: '/usr/bin/no-such-bwrap' };

  const { sandbox, degraded } = await chooseSandbox(deps, 'auto');

  expect(sandbox.isolates).toBe(false);
  expect(degraded).toContain('apt-get install bubblewrap');
  await expect(chooseSandbox(deps, 'strict')).rejects.toMatchObject({
    code: 'SANDBOX_UNAVAILABLE',
    remedy: expect.stringContaining('apt-get install bubblewrap'),
  });
});

boxedTest('a bubblewrap that cannot make a box is found out by making one', async () => {
  await using fixture = await openBoxFixture();
  const broken = { ...fixture.toolbox, etc: `${fixture.folder}/absent` };

  const choosing = chooseSandbox({ clock, toolbox: broken }, 'strict');

  await expect(choosing).rejects.toThrow("a box could not be made: bwrap: Can't find source path");
});

test('a program that only claims to make a box is found out by looking around', async () => {
  await using fixture = await openBoxFixture();

  const choosing = chooseSandbox({ clock, toolbox: fixture.toolbox, bwrap: '/bin/true' }, 'strict');

  await expect(choosing).rejects.toMatchObject({ code: 'SANDBOX_UNAVAILABLE' });
});

test('off never makes a box', async () => {
  await using fixture = await openBoxFixture();

  const { sandbox, degraded } = await chooseSandbox({ clock, toolbox: fixture.toolbox }, 'off');

  expect(sandbox.isolates).toBe(false);
  expect(degraded).toContain('switched off');
});
