import { execFileSync } from 'node:child_process';
import { linkSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { expect, onTestFinished, test } from 'vitest';

import { readWorkerFile } from './bounded-file.ts';

test('only a plain file of bounded size with one name is read', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'bounded-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const at = (name: string): string => join(folder, name);
  writeFileSync(at('plain'), 'text');
  symlinkSync('/etc/passwd', at('link'));
  writeFileSync(at('twice'), 'text');
  linkSync(at('twice'), at('again'));
  execFileSync('/usr/bin/mkfifo', [at('fifo')]);
  mkdirSync(at('folder'));

  expect(await readWorkerFile(at('plain'), 4)).toEqual({ content: Buffer.from('text') });
  expect(await readWorkerFile(at('plain'), 3)).toEqual({ refused: 'is larger than 3 bytes' });
  expect(await readWorkerFile(at('absent'), 4)).toBeUndefined();
  expect(await readWorkerFile(at('link'), 4)).toEqual({ refused: 'is a symbolic link' });
  expect(await readWorkerFile(at('twice'), 4)).toEqual({
    refused: 'has more than one name (a hard link)',
  });
  expect(await readWorkerFile(at('fifo'), 4)).toEqual({ refused: 'is not a regular file' });
  expect(await readWorkerFile(at('folder'), 4)).toEqual({ refused: 'is not a regular file' });
});
