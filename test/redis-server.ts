import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';

const START_TRIES = 5;
const READY_WITHIN_MS = 20_000;

/** A real server that keeps nothing: Debian's, on a loopback port of its own. */
export interface RedisServer extends AsyncDisposable {
  readonly port: number;
  readonly url: string;
  /** SIGSTOP: connections stay open and nothing answers. */
  freeze(): void;
  thaw(): void;
  /** SIGKILL; resolves when it is gone. */
  kill(): Promise<void>;
  /** Starts it again on the same port, empty. */
  start(): Promise<void>;
}

/** @param options of redis-server, each word an element; with `tls` those name certificate and key */
export async function startRedis(
  options: readonly string[] = [],
  { tls = false }: { tls?: boolean } = {},
): Promise<RedisServer> {
  const folder = await mkdtemp(path.join(tmpdir(), 'redis-'));
  let port = 0;
  let child: ChildProcess | undefined;
  for (let tries = START_TRIES; child === undefined; tries -= 1) {
    port = await freePort();
    // Somebody else may have taken it meanwhile.
    child = await run({ folder, port, tls }, options).catch((error: unknown) => {
      if (tries === 1) {
        throw error;
      }
      return undefined;
    });
  }
  const kill = async (): Promise<void> => {
    const gone = child;
    child = undefined;
    if (gone?.exitCode === null && gone.signalCode === null) {
      const exited = once(gone, 'exit');
      gone.kill('SIGKILL');
      await exited;
    }
  };
  return {
    port,
    url: `${tls ? 'rediss' : 'redis'}://127.0.0.1:${port}`,
    freeze: () => child?.kill('SIGSTOP'),
    thaw: () => child?.kill('SIGCONT'),
    kill,
    start: async () => {
      child = await run({ folder, port, tls }, options);
    },
    async [Symbol.asyncDispose]() {
      await kill();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function run(
  { folder, port, tls }: { folder: string; port: number; tls: boolean },
  options: readonly string[],
): Promise<ChildProcess> {
  const ports = tls ? ['--port', '0', '--tls-port', String(port)] : ['--port', String(port)];
  const place = [...ports, '--bind', '127.0.0.1', '--dir', folder];
  const child = spawn(
    'redis-server',
    [...place, '--save', '', '--appendonly', 'no', '--loglevel', 'notice', ...options],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  const said: string[] = [];
  const ready = Promise.withResolvers<void>();
  createInterface(child.stdout).on('line', (line) => {
    said.push(line);
    if (line.includes('Ready to accept connections')) {
      ready.resolve();
    }
  });
  child.once('exit', () => ready.reject(new Error(`redis-server ended:\n${said.join('\n')}`)));
  const late = setTimeout(
    () => ready.reject(new Error(`redis-server is not ready:\n${said.join('\n')}`)),
    READY_WITHIN_MS,
  );
  try {
    await ready.promise;
    return child;
  } catch (error) {
    child.kill('SIGKILL');
    throw error;
  } finally {
    clearTimeout(late);
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  return typeof address === 'object' && address !== null ? address.port : 0;
}
