import { readFileSync, readdirSync } from 'node:fs';

/** A process that cannot be mistaken for a later one with the same pid. `startTime` is in clock ticks since boot. */
export interface ProcessId {
  readonly pid: number;
  readonly startTime: number;
}

export interface ProcessStat extends ProcessId {
  readonly state: string;
  readonly threads: number;
}

/** Undefined when there is no such process (any more), or no /proc as on macOS. */
export function readProcess(pid: number): ProcessStat | undefined {
  const stat = read(`/proc/${pid}/stat`);
  if (stat === undefined) {
    return undefined;
  }
  // The name in parentheses may hold spaces and parentheses; the fields after the last one are counted from 3.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return {
    pid,
    state: fields[0] ?? '',
    threads: Number(fields[17]),
    startTime: Number(fields[19]),
  };
}

/** All processes below `pid`, parents first, without itself. */
export function descendants(pid: number): ProcessStat[] {
  return childrenOf(pid).flatMap((child) => {
    const stat = readProcess(child);
    return stat === undefined ? [] : [stat, ...descendants(child)];
  });
}

export function childrenOf(pid: number): number[] {
  // Per thread: a child that was started by another thread than the first stands only in that thread's file.
  return listing(`/proc/${pid}/task`).flatMap((thread) =>
    (read(`/proc/${pid}/task/${thread}/children`) ?? '').split(' ').filter(Boolean).map(Number),
  );
}

/** Whether the very process still runs. A zombie does not: it only waits for its parent to look at it. */
export function isRunning({ pid, startTime }: ProcessId): boolean {
  const stat = readProcess(pid);
  return stat !== undefined && stat.startTime === startTime && stat.state !== 'Z';
}

/** Signals the process unless it ended meanwhile and its pid belongs to another. Returns whether it was sent. */
export function signalProcess(process_: ProcessId, signal: NodeJS.Signals): boolean {
  if (!isRunning(process_)) {
    return false;
  }
  try {
    return process.kill(process_.pid, signal);
  } catch {
    return false; // ended between the look and the signal
  }
}

/** Processes whose environment holds `NAME=value`, among those that we may read. */
export function processesWith(variable: string): ProcessStat[] {
  return listing('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      const environment = read(`/proc/${pid}/environ`);
      const stat = environment?.split('\0').includes(variable)
        ? readProcess(Number(pid))
        : undefined;
      return stat === undefined ? [] : [stat];
    });
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return undefined; // ended meanwhile, or not ours to read
  }
}

function listing(path: string): string[] {
  try {
    return readdirSync(path);
  } catch {
    return [];
  }
}
