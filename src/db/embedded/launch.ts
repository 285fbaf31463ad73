import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import path from 'node:path';

import type { Account } from './account.ts';
import type { Places } from './places.ts';

interface LaunchOptions {
  places: Places;
  account: Account;
  env: Readonly<Record<string, string>>;
  /** Of postgresql.conf. */
  settings: Readonly<Record<string, string>>;
  onLog: (line: string) => void;
}

export interface Launched {
  /** Settles when the server has ended and all that it printed was read: its last lines. Never rejects. */
  readonly ended: Promise<string>;
  /** Asks for a fast shutdown: sessions are cut off, all that was committed is written. */
  askToStop(): void;
}

/**
 * A shell between us and PostgreSQL that holds the reading end of a pipe. When we end in any way, SIGKILL
 * included, the pipe closes and the shell asks for a fast shutdown: no server is left behind. As it has a
 * session of its own, a Ctrl-C in our terminal does not take the database from us while we shut down.
 */
const WATCHDOG = `
  exec 3<&0
  trap : INT TERM HUP
  "$@" </dev/null 3<&- &
  server=$!
  { read -r _ <&3; kill -INT $server 2>/dev/null; } &
  watcher=$!
  exec 3<&-
  wait $server
  while kill -0 $server 2>/dev/null; do wait $server; done
  kill $watcher 2>/dev/null
`;

export function launch({ places, account, env, settings, onLog }: LaunchOptions): Launched {
  const command = [
    path.join(places.binariesDir, 'bin', 'postgres'),
    '-D',
    places.clusterDir,
    ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]),
  ];
  const shell = spawn('/bin/sh', ['-c', WATCHDOG, 'autodev-postgres', ...command], {
    ...account,
    env,
    cwd: '/',
    detached: true,
    stdio: ['pipe', 'ignore', 'pipe'],
  });
  const ended = readUntilEnd(shell, onLog);

  // The server is no reason to keep the process alive: whoever needs it stops it, or just ends.
  shell.unref();
  for (const stream of [shell.stdin, shell.stderr]) {
    if (stream !== null && 'unref' in stream && typeof stream.unref === 'function') {
      stream.unref();
    }
  }
  shell.stdin.on('error', () => {}); // the shell was killed: `ended` tells

  return {
    ended,
    askToStop: () => {
      shell.ref();
      shell.stdin.end();
    },
  };
}

function readUntilEnd(shell: ChildProcess, onLog: (line: string) => void): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<string>();
  let last = '';
  let rest = '';

  shell.stderr?.setEncoding('utf8').on('data', (text: string) => {
    last = (last + text).slice(-2_000);
    const lines = (rest + text).split('\n');
    rest = lines.pop() ?? '';
    lines.filter((line) => line !== '').forEach(onLog);
  });
  shell.once('error', (error) => resolve(error.message));
  shell.once('close', () => resolve(last.trim()));
  return promise;
}
