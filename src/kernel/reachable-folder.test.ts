import { chmod, mkdir, mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { expect, test } from 'vitest';

import { reachableFolder } from './reachable-folder.ts';

test('a place that others can walk to is taken as it is', async () => {
  const open = await mkdtemp(path.join(tmpdir(), 'autodev-open-'));
  await chmod(open, 0o711);

  expect(await reachableFolder(path.join(open, 'data', 'x'), 'test')).toBe(
    path.join(open, 'data', 'x'),
  );

  await rm(open, { recursive: true });
});

test.runIf(process.getuid?.() === 0)(
  'a closed place has one elsewhere, which goes when the place is deleted and made anew',
  async () => {
    const closed = await mkdtemp(path.join(tmpdir(), 'autodev-closed-')); // 0700
    const wished = path.join(closed, 'data', 'x');
    const first = await reachableFolder(wished, 'test');
    await mkdir(first);

    expect(first).toMatch(/^\/var\/lib\/autodev\/test-[0-9a-f]{12}-[0-9a-f]{8}$/);
    expect(await reachableFolder(wished, 'test')).toBe(first);

    await rm(path.join(closed, 'data'), { recursive: true });
    const second = await reachableFolder(wished, 'test');

    expect(second).not.toBe(first);
    await expect(stat(first)).rejects.toMatchObject({ code: 'ENOENT' });
    await rm(closed, { recursive: true });
  },
);
