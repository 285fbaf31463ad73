import type { ChildProcess } from 'node:child_process';

import type { Clock } from '../kernel/clock.ts';
import { lineSplitter } from './output-lines.ts';
import {
  isRunning,
  type ProcessId,
  type ProcessStat,
  readProcess,
  signalProcess,
} from './process-tree.ts';
import type { BoxLimits, Command, OutputLine, SandboxedProcess, WorkerEnd } from './sandbox.ts';
import { type Strike, watchdog } from './watchdog.ts';

const MAX_LINE_BYTES = 1024 * 1024;
/** Time to end by itself for a worker that ran out of time; one that eats memory or disk gets none. */
const GRACE_MS = 5000;
const GONE_POLL_MS = 5;
/** What left the box's reach without a box (its own session, its own environment) may hold the output open for ever. */
const OUTPUT_AFTER_EXIT_MS = 2000;

/** What a kind of sandbox knows about a child that it started. */
export interface Supervised {
  readonly child: ChildProcess & { readonly pid: number };
  readonly command: Command;
  readonly limits: BoxLimits;
  readonly onLine: (line: OutputLine) => void;
  /** The box's processes of this moment, or the last ones seen when it has ended. */
  readonly processes: () => readonly ProcessStat[];
  /** The process that is asked to end; undefined before it has started. */
  readonly commandProcess: () => ProcessId | undefined;
  readonly killAll: () => void;
  readonly diskBytes: (signal: AbortSignal) => Promise<number>;
  /** How the child's own end is to be understood. */
  describeEnd(code: number | null, signal: NodeJS.Signals | null, lastError: string): WorkerEnd;
}

/** Feeds, watches and ends a started child: the half that is the same with and without a box. */
export function supervise({ clock }: { clock: Clock }, supervised: Supervised): SandboxedProcess {
  const { child, command, limits } = supervised;
  const over = new AbortController();
  let strike: Strike | undefined;
  let stopping = false;
  let lastError = '';
  let outputBytes = 0;

  const readStream = (stream: OutputLine['stream']): void => {
    const splitter = lineSplitter({ stream, maxLineBytes: MAX_LINE_BYTES }, (line) => {
      lastError = stream === 'stderr' ? line.text : lastError;
      supervised.onLine(line);
    });
    child[stream]?.on('data', (chunk: Buffer) => {
      outputBytes += chunk.length;
      if (outputBytes <= limits.outputBytes) {
        splitter.push(chunk);
      } else {
        endFor({
          reason: 'limit_output',
          message: `printed more than ${limits.outputBytes} bytes`,
        });
      }
    });
    child[stream]?.on('end', () => splitter.end());
  };
  const endFor = (cause: Strike): void => {
    strike ??= cause;
    const outOfTime = cause.reason === 'timeout_wall' || cause.reason === 'timeout_idle';
    void endWithin(outOfTime ? GRACE_MS : 0, 'SIGTERM');
  };
  const endWithin = async (graceMs: number, signal: 'SIGTERM' | 'SIGINT'): Promise<void> => {
    const target = supervised.commandProcess();
    if (graceMs > 0 && target !== undefined && signalProcess(target, signal)) {
      await clock.sleep(graceMs, over.signal);
    }
    if (!over.signal.aborted) {
      supervised.killAll();
    }
  };

  readStream('stdout');
  readStream('stderr');
  // A worker that ends without reading its input is no failure of ours.
  child.stdin?.on('error', () => {});
  child.stdin?.end(command.stdin);

  const watching = watchdog(
    { clock },
    { ...supervised, outputBytes: () => outputBytes },
    over.signal,
  ).then((found) => found && endFor(found));

  const ended = new Promise<WorkerEnd>((resolve) => {
    // The command's end ends the rest: what it left behind may hold its output open for ever.
    child.on('exit', () => {
      supervised.killAll();
      void closeOutput();
    });
    child.on('close', (code, signal) => {
      over.abort();
      void finish(code, signal).then(resolve);
    });
  });
  const closeOutput = async (): Promise<void> => {
    await clock.sleep(OUTPUT_AFTER_EXIT_MS, over.signal);
    child.stdout?.destroy();
    child.stderr?.destroy();
  };
  const finish = async (code: number | null, signal: NodeJS.Signals | null): Promise<WorkerEnd> => {
    await watching;
    await untilGone({ clock }, supervised);
    if (strike !== undefined) {
      return strike;
    }
    return stopping ? { reason: 'stopped' } : supervised.describeEnd(code, signal, lastError);
  };

  return {
    pid: child.pid,
    startTime: readProcess(child.pid)?.startTime ?? 0,
    ended,
    stop: async ({ graceMs, signal = 'SIGTERM' }) => {
      stopping = true;
      await endWithin(graceMs, signal);
      return ended;
    },
  };
}

/** Whether the child was waited for; from then on its pid, and those below it, may belong to others. */
export function hasEnded(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null;
}

/** The kernel takes a box down a moment after its first process; "ended" is said when nothing is left. */
async function untilGone({ clock }: { clock: Clock }, supervised: Supervised): Promise<void> {
  const never = new AbortController().signal;
  while (supervised.processes().some(isRunning)) {
    supervised.killAll();
    await clock.sleep(GONE_POLL_MS, never);
  }
}
