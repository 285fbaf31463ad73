import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';

import { expect, onTestFinished } from 'vitest';

import { startRedis } from '../../../test/redis-server.ts';
import { test } from '../../../test/redis.ts';
import { announce, hear } from '../bus-scenarios.ts';
import { keptLog, openBus } from './bus-fixture.ts';

const run = promisify(execFile);
const CHILD = path.join(import.meta.dirname, 'bus-child.ts');
const PASSWORD = 'p@ss/word:%';
const ENCODED = encodeURIComponent(PASSWORD);
const NOTICED = { timeout: 15_000 };

/** All that the bus may do and see; docs/guides/control-bus.md shows this line. */
const NARROW = `user autodev on >${PASSWORD} resetkeys resetchannels &autodev:* -@all +auth +ping +publish +subscribe +unsubscribe`;

async function startWithUsers(...lines: string[]) {
  const folder = mkdtempSync(path.join(tmpdir(), 'acl-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const file = path.join(folder, 'users.acl');
  writeFileSync(file, ['user default off', ...lines, ''].join('\n'));
  return startRedis(['--aclfile', file]);
}

test('a user with five commands on our channels is enough', async ({ db, redis: _redis }) => {
  await using server = await startWithUsers(NARROW);
  const url = `redis://autodev:${ENCODED}@127.0.0.1:${server.port}`;

  await using bus = await openBus(url);
  const stop = new AbortController();
  const heard = await hear(bus, 'control', stop.signal);
  await announce(db, bus, 'control', 1);

  await expect.poll(() => heard).toEqual(['', '1']);
  stop.abort();
  await hear(bus, 'transcript');
  expect(bus.status()).toMatchObject({ up: true, counts: { lost: 0, refused: 0, dropped: 0 } });
});

test.for([
  ['a wrong password', 'autodev:wr0ng%2Fone', /WRONGPASS/, /user and password/],
  ['no password', '', /NOAUTH/, /user and password/],
  ['a user without our channels', `foreign:${ENCODED}`, /NOPERM/, /autodev:\*/],
  ['a user without our commands', `weak:${ENCODED}`, /NOPERM/, /ping, publish/],
] as const)(
  'with %s it is down, says why, and shows no password',
  async ([, login, reason, remedy], { redis: _redis }) => {
    await using server = await startWithUsers(
      NARROW,
      `user foreign on >${PASSWORD} resetkeys resetchannels &other:* +@all`,
      `user weak on >${PASSWORD} resetkeys resetchannels &autodev:* -@all +auth`,
    );
    const { log, text } = keptLog();

    await using bus = await openBus(
      `redis://${login === '' ? '' : `${login}@`}127.0.0.1:${server.port}`,
      { log },
    );
    bus.publish('control', 1);
    await expect.poll(() => bus.status().up).toBe(false);
    await expect.poll(() => bus.status().detail).toMatch(reason);

    expect(text()).toMatch(remedy);
    for (const shown of [text(), bus.status().detail]) {
      expect(shown).not.toContain(PASSWORD);
      expect(shown).not.toContain(ENCODED);
      expect(shown).not.toMatch(/wr0ng/);
    }
  },
);

test('a password that was changed is read anew, without a restart', async ({
  db,
  redis: _redis,
}) => {
  await using server = await startWithUsers(NARROW);
  let login = 'autodev:yesterdays';

  await using bus = await openBus(() => `redis://${login}@127.0.0.1:${server.port}`);
  const heard = await hear(bus, 'control');
  const before = bus.status().up;
  login = `autodev:${ENCODED}`;
  await expect.poll(() => bus.status().up, NOTICED).toBe(true);
  await announce(db, bus, 'control', 3);

  await expect.poll(() => heard).toEqual(['', '3']);
  expect(before).toBe(false);
});

test('over TLS with a certificate that is vouched for it is connected', async ({
  redis: _redis,
}) => {
  await using server = await startTls();

  const { stdout } = await run(process.execPath, [CHILD, server.url], {
    env: { PATH: process.env['PATH'], NODE_EXTRA_CA_CERTS: server.certificate },
  });

  expect(JSON.parse(stdout)).toMatchObject({ heard: ['', '1'], status: { up: true } });
});

test('over TLS a certificate that nobody vouches for is refused, and said', async ({
  redis: _redis,
}) => {
  await using server = await startTls();

  await using bus = await openBus(server.url);

  expect(server.url).toMatch(/^rediss:/);
  expect(bus.status()).toMatchObject({ up: false });
  expect(bus.status().detail).toMatch(/self-signed/);
});

/** A server that talks TLS alone, as 127.0.0.1. */
async function startTls() {
  const folder = mkdtempSync(path.join(tmpdir(), 'tls-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const [key, certificate] = [path.join(folder, 'key.pem'), path.join(folder, 'cert.pem')];
  const names = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=IP:127.0.0.1'];
  const made = ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', ...names];
  await run('openssl', [...made, '-keyout', key, '-out', certificate]);
  const files = ['--tls-cert-file', certificate, '--tls-key-file', key];
  const trust = ['--tls-ca-cert-file', certificate, '--tls-auth-clients', 'no'];
  return Object.assign(await startRedis([...files, ...trust], { tls: true }), { certificate });
}
