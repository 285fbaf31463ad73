import { execFile } from 'node:child_process';
import { join } from 'node:path';

import { describe, expect } from 'vitest';

import { test } from '../../test/boxed.ts';
import type { Seen } from './box-scenarios.ts';
import { isRunning } from './process-tree.ts';

const CANARY = 'canary-4f1d';
const NOBODY = 65_534;

/** The same scenarios must hold for a root runner and for an ordinary user's. */
const identities =
  process.getuid?.() === 0
    ? [
        { who: 'root', uid: 0 },
        { who: 'an ordinary user', uid: NOBODY },
      ]
    : [{ who: 'an ordinary user', uid: process.getuid?.() ?? NOBODY }];

describe.each(identities)('a box of $who', ({ uid }) => {
  const run = (name: string): Promise<Seen> => runScenario(uid, name);

  test('lets nothing of ours in and nothing of the worker out', async () => {
    const { closed, still, out, end, folder, workerUid } = await run('look');

    expect(closed).toContain(200);
    expect(still).toEqual([]);
    expect(out).not.toContain(CANARY);
    expect(out).not.toContain(folder);
    expect(out).not.toContain('--bind');
    expect(out).toContain('TOKEN_INSIDE=given');
    // 3 is the listing's own; 5 of the first process is an event counter of bubblewrap.
    expect(out).toMatch(/^own 0 1 2 3 $/m);
    expect(out).toMatch(/^first 0 1 2 \d $/m);
    for (const line of ['no-user-namespace', 'no-loopback-of-ours', 'no-metadata', 'routes 0']) {
      expect(out).toContain(line);
    }
    expect(out).not.toMatch(/^(writable|read-only) /m);
    expect(out).not.toMatch(/^\/(root|var|sys|work)$/m);
    expect(out).toMatch(/CapEff:\s+0000000000000000/);
    expect(out).toMatch(/NoNewPrivs:\s+1/);
    expect(out).toMatch(/Seccomp:\s+2/);
    expect(out).toContain('core 0 id 1000');
    expect(workerUid).toBe(uid === 0 ? 61_001 : uid);
    expect(end).toEqual({ reason: 'exited', code: 7 });
  });

  test('refuses sockets that a network namespace does not cover, keyrings and io_uring', async () => {
    const { out } = await run('seccomp');

    for (const family of [1, 2, 10]) {
      expect(out).toContain(`family ${family} open`);
    }
    for (const family of [40, 38]) {
      expect(out).toContain(`family ${family} refused: Operation not permitted`);
    }
    expect(out).toContain('keyctl -1 Operation not permitted');
    expect(out).toContain('io_uring -1 Function not implemented');
    expect(out).toContain('x32 -1 Function not implemented');
  });

  test('tells its own failures from those of the command', async () => {
    const { ends, out } = await run('failures');

    expect(ends.noCommand).toEqual({ reason: 'exited', code: 127 });
    expect(ends.noBind).toMatchObject({ reason: 'sandbox' });
    expect(JSON.stringify(ends.noBind)).toContain("Can't find source path");
    expect(ends.signal).toEqual({ reason: 'exited', code: 137 });
    expect(out).toBe('hello');
    expect(ends.unread).toEqual({ reason: 'exited', code: 3 });
  });

  test('ends with its command although that left processes behind', async () => {
    expect((await run('leftovers')).end).toEqual({ reason: 'exited', code: 0 });
  });

  test('ends when the process that started it is killed', async () => {
    const { left } = await run('suddenDeath');

    expect(left.length).toBeGreaterThanOrEqual(4);
    await expect.poll(() => left.filter(isRunning)).toEqual([]);
  });

  test('lets a worker that is stopped say good-bye', async () => {
    const { end, lines, alive } = await run('politeStop');

    expect(end).toEqual({ reason: 'stopped' });
    expect(lines.map(({ text }) => text)).toEqual(['ready', 'bye']);
    expect(alive).toBe(0);
  });

  test('takes all processes of a worker that ignores signals and left its session', async () => {
    const { end, processes, alive, zombies } = await run('stubbornStop');

    expect(end).toEqual({ reason: 'stopped' });
    expect(processes).toBeGreaterThanOrEqual(6);
    expect(alive).toBe(0);
    expect(zombies).toBe(0);
  });

  test.each([
    'timeout_wall',
    'timeout_idle',
    'limit_memory',
    'limit_processes',
    'limit_disk',
    'limit_output',
  ])('names %s when it struck', async (reason) => {
    const { end } = await run(reason);

    expect(end).toMatchObject({ reason });
  });

  test('counts memory that processes share once', async () => {
    expect((await run('sharedMemory')).end).toEqual({ reason: 'exited', code: 0 });
  });

  test('counts what lies in /tmp as disk', async () => {
    expect((await run('limit_disk_tmp')).end).toMatchObject({ reason: 'limit_disk' });
  });

  test('keeps the memory of an endless line to itself', async () => {
    const { grownBytes, longestLine } = await run('limit_output');

    expect(grownBytes).toBeLessThan(150_000_000);
    expect(longestLine).toBeLessThan(1_100_000);
  });

  test('bounds one file and /tmp by refusing the write', async () => {
    const { out, end } = await run('fileAndTmpSize');

    expect(out).toContain('file 1000000');
    expect(Number(/tmp (\d+)/.exec(out)?.[1])).toBeLessThanOrEqual(1024);
    expect(end).toEqual({ reason: 'exited', code: 0 });
  });

  test('shows no file of the host', async () => {
    const { out } = await run('environmentOfOurs');

    expect(out).not.toContain('host-secret');
  });
});

/** With a secret in the environment and another open as descriptor 200, as a careless parent would leave them. */
function runScenario(uid: number, name: string): Promise<Seen> {
  const script = `exec 200<<<"${CANARY}"; exec "$@"`;
  const program = join(import.meta.dirname, 'box-scenarios.ts');
  const argv = ['-c', script, 'bash', process.execPath, program, name];
  const env = { SECRET: CANARY, TMPDIR: '/tmp' };
  return new Promise((resolve, reject) => {
    const options = { uid, gid: uid, env, cwd: '/', maxBuffer: 64e6 };
    execFile('/bin/bash', argv, options, (error, stdout) => {
      // One scenario ends by a signal, after it has reported.
      if (stdout === '') {
        reject(error ?? new Error(`${name} reported nothing`));
      } else {
        resolve(JSON.parse(stdout));
      }
    });
  });
}
