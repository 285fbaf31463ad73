import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';

import type { EmbeddedDeps } from '../src/db/embedded/start.ts';
import { systemClock } from '../src/kernel/clock.ts';
import { silentLog } from '../src/kernel/log.ts';

export const embeddedDeps: EmbeddedDeps = {
  clock: systemClock,
  log: silentLog,
  env: { PATH: process.env['PATH'] ?? '' },
};

/** A data folder that goes away with its scope. As root, PostgreSQL's account can pass through. */
export async function dataFolder(): Promise<AsyncDisposable & { dataDir: string }> {
  const dataDir = await mkdtemp(path.join(tmpdir(), 'autodev-data-'));
  await chmod(dataDir, 0o755);
  return {
    dataDir,
    [Symbol.asyncDispose]: () => rm(dataDir, { recursive: true, force: true }),
  };
}

/** What test/embedded-child.ts prints. */
export type ChildReport =
  | { pid: number; reused: boolean; connection: string; clusterDir: string }
  | { error: { code: string; message: string; remedy?: string } };

/** Starts a server in a process of its own, which keeps it until it is killed or disposed of. */
export async function startInChild(dataDir: string, account: { uid?: number; gid?: number } = {}) {
  const program = path.join(import.meta.dirname, 'embedded-child.ts');
  const child = spawn(process.execPath, [program, dataDir], {
    ...account,
    cwd: '/',
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const exited = once(child, 'exit');
  const [line] = await once(createInterface(child.stdout), 'line', {
    signal: AbortSignal.timeout(30_000),
  });
  const report: ChildReport = JSON.parse(line);

  return {
    report,
    kill: async () => {
      child.kill('SIGKILL');
      await exited;
    },
    [Symbol.asyncDispose]: async () => {
      child.stdin.end();
      await exited;
    },
  };
}

const NOBODY = 65_534;

/** An account without rights that can read this checkout; undefined when the tests run as one themselves. */
export async function ordinaryAccount(): Promise<{ uid: number; gid: number } | undefined> {
  if (process.getuid?.() !== 0) {
    return undefined;
  }
  for (const file of [import.meta.dirname, process.execPath]) {
    for (let at = file; at !== path.dirname(at); at = path.dirname(at)) {
      if (((await stat(at)).mode & 0o001) === 0) {
        return undefined;
      }
    }
  }
  return { uid: NOBODY, gid: NOBODY };
}
