import { readFile, readdir, readlink } from 'node:fs/promises';

/** One process as /proc tells it; `argv` is joined by blanks. */
export interface Seen {
  readonly pid: number;
  readonly argv: string;
}

/**
 * Every process, but for this one, that has `mark` in its command line, its environment or its working folder;
 * what has ended and waits for its parent is not counted. Empty where there is no /proc.
 */
export async function processesWith(mark: string): Promise<Seen[]> {
  const names = await readdir('/proc').catch(() => []);
  const pids = names.filter((name) => /^\d+$/.test(name)).map(Number);
  const seen = await Promise.all(
    pids.filter((pid) => pid !== process.pid).map((pid) => look(pid, mark)),
  );
  return seen.filter((one) => one !== undefined);
}

async function look(pid: number, mark: string): Promise<Seen | undefined> {
  const [argv, environment, folder] = await Promise.all([
    readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => ''),
    readFile(`/proc/${pid}/environ`, 'utf8').catch(() => ''),
    readlink(`/proc/${pid}/cwd`).catch(() => ''),
  ]);
  // A zombie has neither of them.
  return [argv, environment, folder].some((text) => text.includes(mark))
    ? { pid, argv: argv.replaceAll('\0', ' ').trim() }
    : undefined;
}
