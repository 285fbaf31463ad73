import { readFileSync } from 'node:fs';

/** Where the kernel counts the processes that it ended because memory ran out: on the machine, and in our group. */
const COUNTERS = ['/proc/vmstat', '/sys/fs/cgroup/memory.events'] as const;

/** How often the kernel ended a process for want of memory so far. 0 where it does not say. */
export function countOomKills(files: readonly string[] = COUNTERS): number {
  return files.reduce((sum, file) => sum + readCounter(file), 0);
}

function readCounter(file: string): number {
  try {
    return Number(/^oom_kill (\d+)$/m.exec(readFileSync(file, 'utf8'))?.[1] ?? 0);
  } catch {
    return 0;
  }
}
