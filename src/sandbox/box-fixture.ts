import { chmod, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { systemClock } from '../kernel/clock.ts';
import { bubblewrapSandbox } from './bubblewrap.ts';
import type { BoxLimits, BoxSpec, Command, OutputLine, WorkerEnd } from './sandbox.ts';
import { makeToolbox, type Toolbox } from './toolbox.ts';
import { handOver } from './worker-uid.ts';

const MIB = 1024 * 1024;

export const roomyLimits: BoxLimits = {
  memoryBytes: 1024 * MIB,
  processes: 200,
  fileBytes: 1024 * MIB,
  tmpBytes: 64 * MIB,
  outputBytes: 64 * MIB,
  diskBytes: 1024 * MIB,
  wallMs: 60_000,
  idleMs: 60_000,
};

/** A data folder with a toolbox, a workspace and a home for one box; gone at the end of its scope. */
export interface BoxFixture extends AsyncDisposable {
  readonly folder: string;
  readonly workspace: string;
  readonly home: string;
  readonly toolbox: Toolbox;
  box(changes?: Partial<Omit<BoxSpec, 'limits'>>, limits?: Partial<BoxLimits>): BoxSpec;
}

export async function openBoxFixture(): Promise<BoxFixture> {
  const folder = await mkdtemp(join(tmpdir(), 'box-'));
  await chmod(folder, 0o711);
  const [workspace, home] = [join(folder, 'w'), join(folder, 'h')];
  await mkdir(workspace);
  await mkdir(home);
  await handOver([workspace, home], 1);
  return {
    folder,
    workspace,
    home,
    toolbox: await makeToolbox(join(folder, 'tools'), process.execPath),
    box: (changes = {}, limits = {}) => ({
      binds: [
        { host: home, at: '/home/worker', writable: true },
        { host: workspace, at: '/workspace', writable: true },
      ],
      sockets: [],
      env: {},
      cwd: '/workspace',
      home: '/home/worker',
      hostUidSlot: 1,
      ...changes,
      limits: { ...roomyLimits, ...limits },
    }),
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  };
}

export interface Ran {
  readonly end: WorkerEnd;
  readonly out: string;
  readonly lines: readonly OutputLine[];
}

/** Runs a command in bubblewrap to its end. */
export async function runBoxed(
  { toolbox }: Pick<BoxFixture, 'toolbox'>,
  box: BoxSpec,
  command: Command,
): Promise<Ran> {
  const lines: OutputLine[] = [];
  const sandbox = bubblewrapSandbox({ clock: systemClock, toolbox });
  const running = await sandbox.run(box, command, (line) => lines.push(line));
  const end = await running.ended;
  return { end, lines, out: lines.map((line) => line.text).join('\n') };
}

export function shell(script: string): Command {
  return { file: '/bin/bash', argv: ['-c', script] };
}
