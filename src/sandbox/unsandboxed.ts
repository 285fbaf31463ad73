import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { dirname, join, relative } from 'node:path';

import type { Clock } from '../kernel/clock.ts';
import { AppError } from '../kernel/errors.ts';
import { baseEnvironment } from './bubblewrap-options.ts';
import { treeBytes } from './disk-usage.ts';
import {
  descendants,
  isRunning,
  type ProcessStat,
  processesWith,
  readProcess,
  signalProcess,
} from './process-tree.ts';
import type { BoxSpec, Sandbox } from './sandbox.ts';
import { hasEnded, supervise } from './supervise.ts';
import { NODE_INSIDE, PROGRAMS_INSIDE, type Toolbox } from './toolbox.ts';

/** In the environment of every process of one run, so that what left its parent and session is found again. */
const MARK = 'AUTODEV_RUN';

/**
 * The degraded form: the same limits and the same ends, but **nothing is isolated** - the worker is a process of
 * ours with our files and network. Only for a caller that decided so (`off`, or the demo under `auto`).
 */
export function unsandboxed(deps: { readonly clock: Clock; readonly toolbox: Toolbox }): Sandbox {
  const locate: Sandbox['locate'] = (box, inside) => onHost(deps.toolbox, box, inside);
  return {
    isolates: false,
    locate,
    probe: () =>
      Promise.resolve({
        available: false,
        reason: 'the sandbox is off',
        remedy: 'Set AUTODEV_SANDBOX=strict and install the package bubblewrap.',
      }),
    run: async (box, command, onLine) => {
      const id = randomUUID();
      const path = `${dirname(deps.toolbox.node)}:/usr/local/bin:/usr/bin:/bin`;
      const [file = '', ...argv] = withFileLimit(box, [command.file, ...command.argv]);
      const child = spawn(file, argv, {
        env: { ...baseEnvironment(path, locate(box, box.home)), ...box.env, [MARK]: id },
        cwd: locate(box, box.cwd),
        stdio: ['pipe', 'pipe', 'pipe'],
        detached: true, // a group of its own, which can be ended as a whole
      });
      try {
        await once(child, 'spawn');
      } catch (error) {
        throw new AppError('SANDBOX_UNAVAILABLE', `cannot start ${command.file}`, {
          cause: error,
          remedy: 'Check that the command and the working folder exist.',
        });
      }
      const pid = child.pid ?? 0;
      // A process that is being killed has no environment to be found by; what was seen once is looked at again.
      const seen = new Map<string, ProcessStat>();
      const processes = (): readonly ProcessStat[] => {
        // Once it has been waited for, its pid may belong to another.
        const first = hasEnded(child) ? undefined : readProcess(pid);
        const tree = first === undefined ? [] : [first, ...descendants(pid)];
        for (const each of [...tree, ...processesWith(`${MARK}=${id}`)]) {
          seen.set(`${each.pid}:${each.startTime}`, each);
        }
        for (const [key, each] of seen) {
          if (!isRunning(each)) {
            seen.delete(key);
          }
        }
        return [...seen.values()];
      };
      return supervise(deps, {
        child: Object.assign(child, { pid }),
        command,
        limits: box.limits,
        onLine,
        processes,
        commandProcess: () => (hasEnded(child) ? undefined : readProcess(pid)),
        killAll: () => {
          endGroup(pid, !hasEnded(child));
          for (const each of processes()) {
            signalProcess(each, 'SIGKILL');
          }
        },
        diskBytes: (signal) =>
          treeBytes(
            box.binds.filter((bind) => bind.writable).map((bind) => bind.host),
            signal,
          ),
        describeEnd: (code, signal) =>
          signal === null ? { reason: 'exited', code: code ?? 1 } : { reason: 'signalled', signal },
      });
    },
  };
}

/** Only while its leader lives: afterwards the number may belong to another group. */
function endGroup(pid: number, leaderRuns: boolean): void {
  if (leaderRuns) {
    try {
      process.kill(-pid, 'SIGKILL');
    } catch {
      // ended meanwhile
    }
  }
}

function withFileLimit({ limits }: BoxSpec, command: string[]): string[] {
  return process.platform === 'linux'
    ? [
        '/usr/bin/prlimit',
        '--core=0:0',
        `--fsize=${limits.fileBytes}:${limits.fileBytes}`,
        '--',
        ...command,
      ]
    : command;
}

/** The host path of what a box would show at `inside`: by the bind that holds it most closely. */
function onHost(
  { node, programs }: Toolbox,
  { binds, sockets }: Pick<BoxSpec, 'binds' | 'sockets'>,
  inside: string,
): string {
  const ours = [
    { host: node, at: NODE_INSIDE },
    { host: programs, at: PROGRAMS_INSIDE },
  ];
  const holder = [...ours, ...sockets, ...binds]
    .filter(({ at }) => inside === at || inside.startsWith(`${at}/`))
    .sort((a, b) => b.at.length - a.at.length)[0];
  return holder === undefined ? inside : join(holder.host, relative(holder.at, inside));
}
