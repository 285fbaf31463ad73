import { readFileSync } from 'node:fs';

import { formatByteSize } from '../domain/byte-size.ts';
import { formatDuration } from '../domain/duration.ts';
import type { Clock } from '../kernel/clock.ts';
import type { ProcessStat } from './process-tree.ts';
import type { BoxLimits, LimitReason } from './sandbox.ts';

/** A limit that struck, with a sentence for the transcript. */
export interface Strike {
  readonly reason: LimitReason;
  readonly message: string;
}

interface Watched {
  readonly limits: BoxLimits;
  /** The box's processes of this moment. */
  readonly processes: () => readonly ProcessStat[];
  /** Grows with every byte of output. */
  readonly outputBytes: () => number;
  /** Bytes in use on the box's writable places. */
  readonly diskBytes: (signal: AbortSignal) => Promise<number>;
}

const TICK_MS = 1000;
/** A tick may count for no more: a clock that jumped, or a machine that slept, must not end every worker. */
const MAX_TICK_MS = 5 * TICK_MS;
/** Walking a large tree takes long; it is done for at most a tenth of the time. */
const DISK_DUTY = 10;

/** Looks each second and resolves with the first limit that struck, or undefined once `signal` aborts. */
export async function watchdog(
  deps: { clock: Clock },
  watched: Watched,
  signal: AbortSignal,
): Promise<Strike | undefined> {
  const struck = new AbortController();
  const until = AbortSignal.any([signal, struck.signal]);
  const both = [watchProcesses(deps, watched, until), watchDisk(deps, watched, until)];
  const strikes = both.map(async (watch) => {
    const strike = await watch;
    struck.abort();
    return strike;
  });
  return (await Promise.all(strikes)).find((strike) => strike !== undefined);
}

async function watchProcesses(
  { clock }: { clock: Clock },
  { limits, processes, outputBytes }: Watched,
  signal: AbortSignal,
): Promise<Strike | undefined> {
  let wallMs = 0;
  let idleMs = 0;
  let seenBytes = 0;
  let last = clock.now().getTime();
  while (!signal.aborted) {
    await clock.sleep(Math.min(TICK_MS, limits.wallMs, limits.idleMs), signal);
    if (signal.aborted) {
      return undefined;
    }
    const now = clock.now().getTime();
    const elapsedMs = Math.min(Math.max(now - last, 0), MAX_TICK_MS);
    last = now;
    wallMs += elapsedMs;
    const bytes = outputBytes();
    idleMs = bytes === seenBytes ? idleMs + elapsedMs : 0;
    seenBytes = bytes;
    const strike = timeStrike(limits, { wallMs, idleMs }) ?? processStrike(limits, processes());
    if (strike !== undefined) {
      return strike;
    }
  }
  return undefined;
}

async function watchDisk(
  { clock }: { clock: Clock },
  { limits, diskBytes }: Watched,
  signal: AbortSignal,
): Promise<Strike | undefined> {
  let waitMs = TICK_MS;
  while (!signal.aborted) {
    await clock.sleep(waitMs, signal);
    const from = clock.now().getTime();
    const used = signal.aborted ? 0 : await diskBytes(signal);
    if (used > limits.diskBytes && !signal.aborted) {
      return {
        reason: 'limit_disk',
        message: `used ${formatByteSize(used)} of disk, the limit is ${formatByteSize(limits.diskBytes)}`,
      };
    }
    waitMs = Math.max(TICK_MS, DISK_DUTY * (clock.now().getTime() - from));
  }
  return undefined;
}

function timeStrike(
  limits: BoxLimits,
  { wallMs, idleMs }: { wallMs: number; idleMs: number },
): Strike | undefined {
  if (wallMs >= limits.wallMs) {
    const whole = formatDuration(limits.wholeWallMs ?? limits.wallMs);
    return { reason: 'timeout_wall', message: `was not done after \`limits.wall\` (${whole})` };
  }
  if (idleMs >= limits.idleMs) {
    const idle = formatDuration(limits.idleMs);
    return { reason: 'timeout_idle', message: `printed nothing for \`limits.idle\` (${idle})` };
  }
  return undefined;
}

function processStrike(limits: BoxLimits, processes: readonly ProcessStat[]): Strike | undefined {
  const count = processes.reduce((sum, { threads }) => sum + threads, 0);
  if (count > limits.processes) {
    return {
      reason: 'limit_processes',
      message: `had ${count} processes and threads, the limit is ${limits.processes}`,
    };
  }
  // Cheap first; it counts a page once for each process that shares it, so only the exact sum may end a worker.
  if (sumOf(processes, residentMemory) <= limits.memoryBytes) {
    return undefined;
  }
  const bytes = sumOf(processes, proportionalMemory);
  return bytes <= limits.memoryBytes
    ? undefined
    : {
        reason: 'limit_memory',
        message: `used ${formatByteSize(bytes)} of memory, \`limits.memory\` is ${formatByteSize(limits.memoryBytes)}`,
      };
}

function sumOf(processes: readonly ProcessStat[], bytes: (pid: number) => number): number {
  return processes.reduce((sum, { pid }) => sum + bytes(pid), 0);
}

/** Private and shared memory without files, swapped out or not. */
function residentMemory(pid: number): number {
  return kibibytes(`/proc/${pid}/status`, ['RssAnon', 'RssShmem', 'VmSwap']) ?? 0;
}

/** The same with shared pages divided among those that share. Where the kernel does not let us read it, resident. */
function proportionalMemory(pid: number): number {
  const fields = ['Pss_Anon', 'Pss_Shmem', 'SwapPss'];
  return kibibytes(`/proc/${pid}/smaps_rollup`, fields) ?? residentMemory(pid);
}

/** The sum of the fields in bytes; undefined when there is nothing to read. */
function kibibytes(file: string, fields: readonly string[]): number | undefined {
  try {
    const lines = readFileSync(file, 'utf8').split('\n');
    const wanted = lines.filter((line) => fields.includes(line.slice(0, line.indexOf(':'))));
    return (
      wanted.reduce((sum, line) => sum + Number(/\d+/.exec(line.split(':')[1] ?? '')), 0) * 1024
    );
  } catch {
    return undefined; // ended meanwhile, or not ours to read
  }
}
