import { once } from 'node:events';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { duplexPair } from 'node:stream';
import { connect as connectTls } from 'node:tls';

import { assert, integer, nat, property } from 'fast-check';
import { expect, test } from 'vitest';

import { test as boxedTest } from '../../test/boxed.ts';
import { systemClock } from '../kernel/clock.ts';
import { openBoxFixture, runBoxed } from './box-fixture.ts';
import { withEgress } from './bridge.ts';
import { type EgressRequest, openEgressProxy } from './egress.ts';
import { isPublicAddress } from './public-address.ts';
import { parseClientHello } from './tls-client-hello.ts';

const HOST = 'packages.example.org';

interface Setup extends AsyncDisposable {
  readonly port: number;
  readonly socketPath: string;
  /** What the proxy reported, and what arrived at the server behind it. */
  readonly reports: EgressRequest[];
  readonly arrived: Buffer[];
  /** Sends CONNECT and then `bytes`; resolves with all that came back when the connection is closed. */
  ask(target: string, bytes: Buffer): Promise<string>;
}

async function setup(changes: {
  addresses?: string[];
  isPublic?: (address: string) => boolean;
  maxBytes?: number;
}): Promise<Setup> {
  const { addresses = ['127.0.0.1'], isPublic = () => true, maxBytes = 1_000_000 } = changes;
  const folder = await mkdtemp(join(tmpdir(), 'egress-'));
  await chmod(folder, 0o711);
  const arrived: Buffer[] = [];
  const upstream = createServer((socket) => {
    socket.on('error', () => {});
    socket.on('data', (chunk) => arrived.push(chunk));
    socket.on('data', () => socket.write('answer of the server'));
  }).listen(0, '127.0.0.1');
  await once(upstream, 'listening');
  const address = upstream.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const reports: EgressRequest[] = [];
  const socketPath = join(folder, 's');
  const proxy = await openEgressProxy(
    { clock: systemClock, resolve: () => Promise.resolve(addresses), isPublicAddress: isPublic },
    {
      socketPath,
      allow: [{ host: HOST, port }],
      maxBytes,
      onRequest: (each) => reports.push(each),
    },
  );
  return {
    port,
    socketPath,
    reports,
    arrived,
    ask: async (target, bytes) => {
      const client = connect(socketPath);
      client.on('error', () => {});
      let got = '';
      client.on('data', (chunk) => {
        got += chunk.toString();
        if (got.endsWith('established\r\n\r\n')) {
          client.write(bytes);
        }
        if (got.endsWith('answer of the server')) {
          client.destroy();
        }
      });
      client.write(`CONNECT ${target} HTTP/1.1\r\nHost: ${target}\r\n\r\n`);
      await once(client, 'close');
      await expect.poll(() => reports.length).toBeGreaterThan(0);
      return got;
    },
    [Symbol.asyncDispose]: async () => {
      await proxy[Symbol.asyncDispose]();
      upstream.close();
      await rm(folder, { recursive: true });
    },
  };
}

/** A real hello, as Node's TLS makes it. */
async function helloFor(servername: string | undefined): Promise<Buffer> {
  const [ours, theirs] = duplexPair();
  const client = connectTls({ socket: ours, ...(servername === undefined ? {} : { servername }) });
  client.on('error', () => {});
  const [bytes]: Buffer[] = await once(theirs, 'data');
  client.destroy();
  return bytes ?? Buffer.alloc(0);
}

test('TLS to an allowed host passes and is reported', async () => {
  await using s = await setup({});
  const hello = await helloFor(HOST);

  const got = await s.ask(`${HOST}:${s.port}`, hello);

  expect(got).toContain('200 Connection established');
  expect(got).toContain('answer of the server');
  expect(Buffer.concat(s.arrived)).toEqual(hello);
  expect(s.reports).toEqual([
    {
      target: `${HOST}:${s.port}`,
      verdict: 'allowed',
      address: '127.0.0.1',
      bytesUp: hello.length,
      bytesDown: 20,
    },
  ]);
});

test.each(['other.example.org', `sub.${HOST}`, `${HOST}.`, '127.0.0.1', '[::1]'])(
  'a host that is not listed is refused: %s',
  async (host) => {
    await using s = await setup({});

    expect(await s.ask(`${host}:${s.port}`, Buffer.alloc(0))).toContain('403 Host not in');
    expect(s.reports[0]?.verdict).toBe('not_allowed');
  },
);

test('another port of an allowed host is refused', async () => {
  await using s = await setup({});

  expect(await s.ask(`${HOST}:22`, Buffer.alloc(0))).toContain('403');
});

test('plain HTTP through the proxy is refused and reported', async () => {
  await using s = await setup({});
  const client = connect(s.socketPath);

  client.write(`GET http://${HOST}/ HTTP/1.1\r\nHost: ${HOST}\r\n\r\n`);
  const [answer]: Buffer[] = await once(client, 'data');

  expect(answer?.toString()).toContain('405');
  expect(s.reports[0]).toMatchObject({ target: `http://${HOST}/`, verdict: 'not_allowed' });
});

test.each([
  ['another name', () => helloFor('evil.example.org')],
  ['no name', () => helloFor(undefined)],
  ['no TLS', () => Promise.resolve(Buffer.from('GET / HTTP/1.1\r\n\r\n'))],
])('a connection that says %s never reaches the server', async (_what, bytes) => {
  await using s = await setup({});

  await s.ask(`${HOST}:${s.port}`, await bytes());

  expect(s.reports[0]?.verdict).toBe('wrong_server_name');
  expect(s.arrived).toEqual([]);
});

test('a name that leads to one private address beside a public one is refused', async () => {
  await using s = await setup({
    addresses: ['93.184.215.14', '169.254.169.254'],
    isPublic: isPublicAddress,
  });

  expect(await s.ask(`${HOST}:${s.port}`, Buffer.alloc(0))).toContain('403 Not a public');
  expect(s.reports[0]?.verdict).toBe('private_address');
});

test('the byte limit cuts the connection and refuses the next', async () => {
  await using s = await setup({ maxBytes: 10_000 });
  const hello = await helloFor(HOST);

  await s.ask(`${HOST}:${s.port}`, Buffer.concat([hello, Buffer.alloc(20_000)]));
  const next = await s.ask(`${HOST}:${s.port}`, hello);

  expect(s.reports.map(({ verdict }) => verdict)).toEqual(['byte_limit', 'byte_limit']);
  expect(next).toContain('403 Byte limit reached');
});

boxedTest('a worker in a box reaches the allowed host by its proxy variables', async () => {
  await using s = await setup({});
  await using fixture = await openBoxFixture();
  const script = `
    const { hostname, port } = new URL(process.env.HTTPS_PROXY);
    const request = require('node:http').request({
      hostname, port, method: 'CONNECT', path: '${HOST}:${s.port}',
    });
    request.on('connect', (response, socket) => {
      console.log(response.statusCode);
      const tls = require('node:tls').connect({ socket, servername: '${HOST}' });
      tls.on('error', (error) => { console.log(error.code); process.exit(5); });
    });
    request.end();`;

  const { box, command } = withEgress({ isolates: true }, s.socketPath, {
    box: fixture.box(),
    command: { file: 'node', argv: ['-e', script] },
  });
  const { end, out } = await runBoxed(fixture, box, command);

  expect(out).toContain('200');
  expect(end).toEqual({ reason: 'exited', code: 5 });
  expect(parseClientHello(Buffer.concat(s.arrived))).toMatchObject({ serverName: HOST });
});

test.each([
  '127.0.0.1',
  '10.1.2.3',
  '172.31.0.1',
  '192.168.1.1',
  '169.254.169.254',
  '100.64.0.1',
  '0.0.0.0',
  '255.255.255.255',
  '224.0.0.1',
  '::1',
  '::',
  'fe80::1',
  'fc00::1',
  'fd00:ec2::254',
  'ff02::1',
  '::ffff:10.0.0.1',
  '64:ff9b::7f00:1',
  '2002:7f00:1::',
  '2001:0:1::',
  '::7f00:1',
  'localhost',
  '',
])('%s is not public', (address) => {
  expect(isPublicAddress(address)).toBe(false);
});

test.each(['1.1.1.1', '93.184.215.14', '2606:4700::1111'])('%s is public', (address) => {
  expect(isPublicAddress(address)).toBe(true);
});

test('a hello is read the same in whatever pieces it comes, and no bytes crash the parser', async () => {
  const hello = await helloFor(HOST);

  assert(
    property(integer({ min: 0, max: hello.length - 1 }), (length) => {
      expect(parseClientHello(hello.subarray(0, length))).toEqual({ state: 'more' });
    }),
  );
  assert(
    property(nat(hello.length - 1), nat(255), (at, byte) => {
      const damaged = Buffer.from(hello);
      damaged[at] = byte;
      expect(['more', 'invalid', 'complete']).toContain(parseClientHello(damaged).state);
    }),
  );
  expect(parseClientHello(hello)).toEqual({ state: 'complete', serverName: HOST });
});
