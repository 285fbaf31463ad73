import { lookup } from 'node:dns/promises';
import { once } from 'node:events';
import { chmod, rm } from 'node:fs/promises';
import { createServer, type IncomingMessage } from 'node:http';
import { connect, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';

import type { Clock } from '../kernel/clock.ts';
import { AppError } from '../kernel/errors.ts';
import { isPublicAddress } from './public-address.ts';
import { parseClientHello } from './tls-client-hello.ts';

/** What became of one request, for the transcript. */
export interface EgressRequest {
  /** As the worker asked for it. */
  readonly target: string;
  readonly verdict:
    | 'allowed'
    /** Not CONNECT to an allowed host and port. */
    | 'not_allowed'
    | 'unresolved'
    /** The name leads to an address that is not on the public internet. */
    | 'private_address'
    /** What was sent is not TLS for the same host name. */
    | 'wrong_server_name'
    | 'unreachable'
    /** The byte limit of this proxy is used up. */
    | 'byte_limit';
  readonly address: string | undefined;
  readonly bytesUp: number;
  readonly bytesDown: number;
}

interface Resolver {
  /** All addresses of a name. */
  readonly resolve: (host: string) => Promise<readonly string[]>;
  readonly isPublicAddress: (address: string) => boolean;
}

interface EgressDeps extends Resolver {
  readonly clock: Clock;
}

interface EgressOptions {
  /** Where to listen; bound into the box. At most 107 bytes, as the kernel takes no more. */
  readonly socketPath: string;
  /** Exact host names in lower case. */
  readonly allow: readonly { readonly host: string; readonly port: number }[];
  /** Both directions of all connections together. */
  readonly maxBytes: number;
  readonly onRequest: (request: EgressRequest) => void;
}

const MAX_SOCKET_PATH_BYTES = 107;
const MAX_CONNECTIONS = 64;
/** For the hello, and for a connection on which nothing moves. */
const HELLO_MS = 10_000;
const SILENCE_MS = 120_000;

export const systemResolver: Resolver = {
  resolve: async (host) => (await lookup(host, { all: true })).map(({ address }) => address),
  isPublicAddress,
};

/**
 * The only way out of a box, for a repository's `setup`: an HTTP proxy that knows CONNECT alone, to allowed hosts
 * alone. It resolves names itself and connects to what it resolved, so a name that changes meanwhile changes
 * nothing; no byte goes out before the TLS hello has named the same host.
 */
export async function openEgressProxy(
  deps: EgressDeps,
  options: EgressOptions,
): Promise<AsyncDisposable> {
  if (Buffer.byteLength(options.socketPath) > MAX_SOCKET_PATH_BYTES) {
    throw new AppError(
      'SANDBOX_UNAVAILABLE',
      `the socket's path is too long: ${options.socketPath}`,
      {
        remedy: 'Choose a shorter data folder (AUTODEV_DATA).',
      },
    );
  }
  const open = new Set<Duplex>();
  const budget = { leftBytes: options.maxBytes };
  const server = createServer((request, response) => {
    options.onRequest({ ...unsent, target: request.url ?? '', verdict: 'not_allowed' });
    response.writeHead(405, { connection: 'close' }).end('only CONNECT to allowed hosts\n');
  });
  server.maxConnections = MAX_CONNECTIONS;
  server.on('connection', (socket) => {
    open.add(socket);
    socket.on('close', () => open.delete(socket));
  });
  server.on('connect', (request, client, head) => {
    client.on('error', () => client.destroy());
    void serveConnect({ deps, options, budget, open }, request, client, head);
  });
  server.listen(options.socketPath);
  await once(server, 'listening');
  // The worker has another uid; who may come near is settled by what is bound into the box.
  await chmod(options.socketPath, 0o666);
  return {
    [Symbol.asyncDispose]: async () => {
      const closed = once(server, 'close');
      server.close();
      // Each reports what it carried when it is closed.
      const ends = [...open].map((socket) => once(socket, 'close'));
      for (const socket of open) {
        socket.destroy();
      }
      await Promise.all([closed, ...ends]);
      await rm(options.socketPath, { force: true });
    },
  };
}

const unsent = { address: undefined, bytesUp: 0, bytesDown: 0 };

interface Proxy {
  readonly deps: EgressDeps;
  readonly options: EgressOptions;
  readonly budget: { leftBytes: number };
  readonly open: Set<Duplex>;
}

async function serveConnect(
  proxy: Proxy,
  request: IncomingMessage,
  client: Duplex,
  head: Buffer,
): Promise<void> {
  const target = request.url ?? '';
  const refuse = (verdict: EgressRequest['verdict'], status: string): void => {
    proxy.options.onRequest({ ...unsent, target, verdict });
    client.end(`HTTP/1.1 ${status}\r\nConnection: close\r\n\r\n`);
  };
  const allowed = proxy.options.allow.find(
    ({ host, port }) => `${host}:${port}` === target.toLowerCase(),
  );
  if (allowed === undefined) {
    return refuse('not_allowed', '403 Host not in network.allow');
  }
  if (proxy.budget.leftBytes <= 0) {
    return refuse('byte_limit', '403 Byte limit reached');
  }
  const addresses = await proxy.deps.resolve(allowed.host).catch(() => []);
  const [address] = addresses;
  if (address === undefined) {
    return refuse('unresolved', '502 Name not resolved');
  }
  if (!addresses.every((each) => proxy.deps.isPublicAddress(each))) {
    return refuse('private_address', '403 Not a public address');
  }

  client.write('HTTP/1.1 200 Connection established\r\n\r\n');
  const hello = await readHello(proxy.deps, client, head);
  if (hello?.serverName !== allowed.host) {
    proxy.options.onRequest({ ...unsent, target, verdict: 'wrong_server_name' });
    client.destroy();
    return undefined;
  }
  const upstream = await dial(proxy.deps, { address, port: allowed.port });
  if (upstream === undefined) {
    proxy.options.onRequest({ ...unsent, target, address, verdict: 'unreachable' });
    client.destroy();
    return undefined;
  }
  return relay(proxy, { target, address, client, upstream, first: hello.bytes });
}

/** The first bytes until they are a whole hello; undefined when they are none, or do not come in time. */
async function readHello(
  { clock }: EgressDeps,
  client: Duplex,
  head: Buffer,
): Promise<{ serverName: string | undefined; bytes: Buffer } | undefined> {
  const done = new AbortController();
  void clock.sleep(HELLO_MS, done.signal).then(() => done.signal.aborted || client.destroy());
  try {
    let bytes = head;
    for (;;) {
      const hello = parseClientHello(bytes);
      if (hello.state === 'complete') {
        return { serverName: hello.serverName, bytes };
      }
      const more = hello.state === 'more' ? await nextChunk(client) : undefined;
      if (more === undefined) {
        return undefined;
      }
      bytes = Buffer.concat([bytes, more]);
    }
  } finally {
    done.abort();
  }
}

function nextChunk(client: Duplex): Promise<Buffer | undefined> {
  if (client.destroyed || client.readableEnded) {
    return Promise.resolve(undefined);
  }
  return new Promise((resolve) => {
    const settle = (chunk?: Buffer): void => {
      client.pause();
      client.off('data', settle).off('end', ended).off('close', ended);
      resolve(chunk);
    };
    const ended = (): void => settle();
    client.on('data', settle).on('end', ended).on('close', ended);
    client.resume();
  });
}

async function dial(
  { clock }: EgressDeps,
  { address, port }: { address: string; port: number },
): Promise<Socket | undefined> {
  const upstream = connect({ host: address, port, allowHalfOpen: true });
  const done = new AbortController();
  void clock.sleep(HELLO_MS, done.signal).then(() => done.signal.aborted || upstream.destroy());
  const connected = await new Promise<boolean>((resolve) => {
    upstream.once('connect', () => resolve(true));
    upstream.once('close', () => resolve(false));
    // `close` follows and is what counts.
    upstream.once('error', () => {});
  });
  done.abort();
  return connected ? upstream : undefined;
}

interface Relay {
  readonly target: string;
  readonly address: string;
  readonly client: Duplex;
  readonly upstream: Socket;
  readonly first: Buffer;
}

function relay(
  { options, budget, open }: Proxy,
  { target, address, client, upstream, first }: Relay,
): void {
  let bytesUp = 0;
  let bytesDown = 0;
  let verdict: EgressRequest['verdict'] = 'allowed';
  const end = (): void => {
    client.destroy();
    upstream.destroy();
  };
  const spend = (bytes: number): void => {
    budget.leftBytes -= bytes;
    if (budget.leftBytes < 0) {
      verdict = 'byte_limit';
      end();
    }
  };
  open.add(upstream);
  upstream.on('error', end);
  upstream.setTimeout(SILENCE_MS, end);
  client.on('close', end);
  upstream.on('close', () => {
    open.delete(upstream);
    client.destroy();
    options.onRequest({ target, verdict, address, bytesUp, bytesDown });
  });
  client.on('data', (chunk: Buffer) => {
    bytesUp += chunk.length;
    spend(chunk.length);
  });
  upstream.on('data', (chunk: Buffer) => {
    bytesDown += chunk.length;
    spend(chunk.length);
  });
  bytesUp += first.length;
  spend(first.length);
  upstream.write(first);
  client.pipe(upstream);
  upstream.pipe(client);
  if (client.destroyed) {
    end(); // it left while we connected, and its `close` is past
  }
}
