import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { Readable, Writable } from 'node:stream';

import type { Clock } from '../kernel/clock.ts';
import { AppError } from '../kernel/errors.ts';
import { bubblewrapOptions, limitedCommand } from './bubblewrap-options.ts';
import { probeBubblewrap } from './bubblewrap-probe.ts';
import { filesystemBytes, treeBytes } from './disk-usage.ts';
import {
  childrenOf,
  descendants,
  isRunning,
  type ProcessId,
  type ProcessStat,
  readProcess,
  signalProcess,
} from './process-tree.ts';
import type { Sandbox, WorkerEnd } from './sandbox.ts';
import { seccompFilter } from './seccomp.ts';
import { hasEnded, supervise } from './supervise.ts';
import type { Toolbox } from './toolbox.ts';
import { workerUid } from './worker-uid.ts';

const BWRAP = '/usr/bin/bwrap';
const MAX_STATUS_BYTES = 4096;

interface BubblewrapDeps {
  readonly clock: Clock;
  readonly toolbox: Toolbox;
  /** The program, for tests of a machine without it. */
  readonly bwrap?: string;
}

/** Workers in bubblewrap: namespaces of their own for everything, no network, no capability, no descriptor of ours. */
export function bubblewrapSandbox(deps: BubblewrapDeps): Sandbox {
  const sandbox: Sandbox = {
    isolates: true,
    probe: () => probeBubblewrap(sandbox, deps.bwrap ?? BWRAP),
    locate: (_box, inside) => inside,
    run: async (box, command, onLine) => {
      const child = await startBubblewrap(deps, {
        slot: box.hostUidSlot,
        options: bubblewrapOptions(box, deps.toolbox),
        command: limitedCommand(box, command),
      });
      const status = readStatus(child);
      let boxed: readonly ProcessStat[] = [];
      // Once bubblewrap has ended its tree hangs on nothing, so what was seen last is what must be gone, and the
      // box's first process, which the kernel lets go only after all others: bubblewrap does not wait for that.
      const look = (): void => {
        if (!hasEnded(child)) {
          boxed = descendants(child.pid);
        }
      };
      const writable = box.binds.filter((bind) => bind.writable).map((bind) => bind.host);
      return supervise(deps, {
        child,
        command,
        limits: box.limits,
        onLine,
        processes: () => {
          look();
          const first = hasEnded(child) ? status().first : undefined;
          const last = first === undefined ? undefined : readProcess(first.pid);
          return last?.startTime === first?.startTime && last ? [...boxed, last] : boxed;
        },
        commandProcess: () => {
          const { first } = status();
          const pid =
            first === undefined || !isRunning(first) ? undefined : childrenOf(first.pid)[0];
          return pid === undefined ? undefined : readProcess(pid);
        },
        // The end of the box's first process is, by the kernel, the end of all in it. bubblewrap itself is spared,
        // to wait for that process: otherwise a machine whose init does not reap keeps a zombie of it.
        killAll: () => {
          look();
          const { first } = status();
          if (first === undefined || !signalProcess(first, 'SIGKILL')) {
            child.kill('SIGKILL');
          }
        },
        diskBytes: async (signal) => {
          const { first } = status();
          const tmp =
            first === undefined ? 0 : await filesystemBytes(`/proc/${first.pid}/root/tmp`);
          return tmp + (await treeBytes(writable, signal));
        },
        describeEnd: (code, signal, lastError) => describeEnd(status(), code, signal, lastError),
      });
    },
  };
  return sandbox;
}

async function startBubblewrap(
  { bwrap = BWRAP }: BubblewrapDeps,
  { slot, options, command }: { slot: number; options: string[]; command: string[] },
): Promise<ChildProcess & { readonly pid: number }> {
  const filter = seccompFilter(process.arch);
  const uid = workerUid(slot);
  const child = spawn(
    '/usr/bin/prlimit',
    ['--core=0:0', '--', bwrap, '--args', '3', '--', ...command],
    {
      env: {}, // `/proc/1/environ` inside is bubblewrap's own environment
      cwd: '/', // and `/proc/1/cwd` its folder
      stdio: ['pipe', 'pipe', 'pipe', 'pipe', filter === undefined ? 'ignore' : 'pipe', 'pipe'],
      ...(uid === undefined ? {} : { uid, gid: uid }),
    },
  );
  try {
    await once(child, 'spawn');
  } catch (error) {
    throw new AppError('SANDBOX_UNAVAILABLE', 'cannot start /usr/bin/prlimit', {
      cause: error,
      remedy: 'Install the package util-linux.',
    });
  }
  preferForKilling(child.pid);
  const [, , , optionsPipe, filterPipe] = child.stdio;
  const withDescriptors = [
    '--json-status-fd',
    '5',
    ...(filter ? ['--seccomp', '4'] : []),
    ...options,
  ];
  send(optionsPipe, withDescriptors.map((option) => `${option}\0`).join(''));
  send(filterPipe, filter ?? '');
  return Object.assign(child, { pid: child.pid ?? 0 });
}

/** When the machine runs out of memory the kernel takes the workers, not us. bubblewrap still waits for its options. */
function preferForKilling(pid: number | undefined): void {
  try {
    writeFileSync(`/proc/${pid}/oom_score_adj`, '1000');
  } catch {
    // Not allowed here; the watchdog's limit is what we promise.
  }
}

function send(pipe: unknown, content: string | Buffer): void {
  if (pipe instanceof Writable) {
    // A bubblewrap that refuses an option ends before it has read everything; its message says why.
    pipe.on('error', () => {});
    pipe.end(content);
  }
}

interface BoxStatus {
  /** The box's first process, pid 1 inside. */
  readonly first: ProcessId | undefined;
  /** Whether bubblewrap came as far as to run the command. */
  readonly ran: boolean;
}

/** bubblewrap reports on a descriptor of its own, so that its failures are told apart from the command's. */
function readStatus(child: ChildProcess): () => BoxStatus {
  let text = '';
  let first: ProcessId | undefined;
  const pipes: readonly unknown[] = child.stdio;
  const pipe = pipes[5];
  if (pipe instanceof Readable) {
    pipe.on('data', (chunk: Buffer) => {
      text = `${text}${chunk.toString()}`.slice(0, MAX_STATUS_BYTES);
      const pid = /"child-pid":\s*(\d+)/.exec(text)?.[1];
      first ??= pid === undefined ? undefined : readProcess(Number(pid));
    });
  }
  return () => ({ first, ran: text.includes('"exit-code"') });
}

function describeEnd(
  status: BoxStatus,
  code: number | null,
  signal: NodeJS.Signals | null,
  lastError: string,
): WorkerEnd {
  if (signal !== null) {
    return { reason: 'signalled', signal };
  }
  if (!status.ran) {
    return { reason: 'sandbox', message: lastError || `bubblewrap ended with ${code}` };
  }
  return { reason: 'exited', code: code ?? 1 };
}
