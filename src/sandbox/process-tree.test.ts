import { spawn } from 'node:child_process';
import { once } from 'node:events';

import { expect, onTestFinished, test } from 'vitest';

import { descendants, isRunning, readProcess, signalProcess } from './process-tree.ts';

async function startTree(): Promise<number> {
  const child = spawn('/bin/bash', ['-c', 'sleep 1000 & (sleep 1000 & wait) & echo; wait'], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const pid = child.pid ?? 0;
  onTestFinished(async () => {
    const closed = once(child, 'close');
    for (const each of descendants(pid)) {
      signalProcess(each, 'SIGKILL');
    }
    child.kill('SIGKILL');
    await closed;
  });
  await once(child.stdout, 'data');
  return pid;
}

test('finds children and their children', async () => {
  const pid = await startTree();

  await expect.poll(() => descendants(pid).length).toBe(3);
});

test('a process is known by its start time, so a pid that was given to another is left alone', async () => {
  const pid = await startTree();
  const there = readProcess(pid) ?? { pid, startTime: -1 };
  const earlier = { pid, startTime: there.startTime - 1 };

  expect(isRunning(there)).toBe(true);
  expect(isRunning(earlier)).toBe(false);
  expect(signalProcess(earlier, 'SIGKILL')).toBe(false);
  expect(isRunning(there)).toBe(true);
});

test('a process that has ended does not run', async () => {
  const child = spawn('/bin/true');
  const started = readProcess(child.pid ?? 0) ?? { pid: child.pid ?? 0, startTime: 0 };

  await once(child, 'close');

  expect(isRunning(started)).toBe(false);
  expect(signalProcess(started, 'SIGTERM')).toBe(false);
});
