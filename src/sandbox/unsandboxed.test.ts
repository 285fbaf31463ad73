import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { expect, test } from 'vitest';

import { systemClock } from '../kernel/clock.ts';
import { type BoxFixture, openBoxFixture, shell } from './box-fixture.ts';
import { isRunning, readProcess } from './process-tree.ts';
import type { BoxLimits, OutputLine, WorkerEnd } from './sandbox.ts';
import { unsandboxed } from './unsandboxed.ts';

async function run(
  fixture: BoxFixture,
  script: string,
  limits: Partial<BoxLimits> = {},
): Promise<{ end: WorkerEnd; out: string }> {
  const lines: OutputLine[] = [];
  const sandbox = unsandboxed({ clock: systemClock, toolbox: fixture.toolbox });
  const running = await sandbox.run(fixture.box({}, limits), shell(script), (line) =>
    lines.push(line),
  );
  const end = await running.ended;
  return { end, out: lines.map(({ text }) => text).join('\n') };
}

test('a command finds its folders, its node and nothing of our environment', async () => {
  await using fixture = await openBoxFixture();
  process.env['OUR_SECRET'] = 'canary';

  const { end, out } = await run(fixture, 'pwd; echo $HOME; node -v; env; echo x > made; exit 4');

  expect(end).toEqual({ reason: 'exited', code: 4 });
  expect(out).toContain(`${fixture.workspace}\n${fixture.home}\n${process.version}`);
  expect(out).not.toContain('canary');
  expect(readFileSync(join(fixture.workspace, 'made'), 'utf8')).toBe('x\n');
});

test.each<[string, Partial<BoxLimits>, string]>([
  ['timeout_wall', { wallMs: 500 }, 'while :; do echo x; sleep 0.05; done'],
  ['timeout_idle', { idleMs: 500 }, 'sleep 1000'],
  ['limit_processes', { processes: 20 }, 'for n in $(seq 40); do sleep 1000 & done; wait'],
  ['limit_disk', { diskBytes: 1e6 }, 'head -c 3000000 /dev/zero > big; sleep 1000'],
  ['limit_output', { outputBytes: 1e6 }, 'yes'],
  [
    'limit_memory',
    { memoryBytes: 100e6 },
    "node -e 'globalThis.held = Buffer.alloc(300e6, 1); setInterval(() => {}, 1e6)'",
  ],
])('names %s', async (reason, limits, script) => {
  await using fixture = await openBoxFixture();

  expect((await run(fixture, script, limits)).end).toMatchObject({ reason });
});

test('finds processes that left their parent, group and session', async () => {
  await using fixture = await openBoxFixture();

  const { end, out } = await run(
    fixture,
    `setsid -f bash -c 'trap "" TERM HUP; echo left $$; while :; do sleep 0.05; done'; sleep 0.3`,
  );

  const pid = Number(/left (\d+)/.exec(out)?.[1]);
  expect(end).toEqual({ reason: 'exited', code: 0 });
  expect(isRunning(readProcess(pid) ?? { pid, startTime: 0 })).toBe(false);
});

test('ends although what cannot be found any more holds its output open', async () => {
  await using fixture = await openBoxFixture();
  const from = performance.now();

  const { end, out } = await run(fixture, 'echo said; env -i setsid -f sleep 20.5');

  expect(end).toEqual({ reason: 'exited', code: 0 });
  expect(out).toBe('said');
  expect(performance.now() - from).toBeLessThan(15_000);
});

test('what is bound is found at its host path', async () => {
  await using fixture = await openBoxFixture();
  const sandbox = unsandboxed({ clock: systemClock, toolbox: fixture.toolbox });
  const box = fixture.box();

  expect(sandbox.locate(box, '/workspace/a/b')).toBe(join(fixture.workspace, 'a/b'));
  expect(sandbox.locate(box, '/workspaces')).toBe('/workspaces');
  expect(sandbox.locate(box, '/opt/autodev/bin/node')).toBe(fixture.toolbox.node);
});
